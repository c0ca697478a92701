/** One manifest file as a commit has it. */
export interface ManifestFile {
  /** Path within the repository. */
  readonly path: string;
  readonly text: string;
}

/** A commit that was fetched, whose signature verified, and that descends from the one accepted before it. */
export interface Revision {
  /** Full commit id. */
  readonly commit: string;
  /** Who signed: the principal of the allowed-signers file, or the GPG fingerprint. */
  readonly signer: string;
  /** Committer time, milliseconds since the epoch. */
  readonly committedAt: number;
  /** First line of the commit message. */
  readonly subject: string;
  /** Manifests below the configured path, sorted by path. */
  readonly files: readonly ManifestFile[];
}

/** Where the desired state comes from. */
export interface Source {
  /**
   * Fetches and verifies the tip, and accepts it durably.
   * @returns the revision now accepted, whether or not it is new.
   * @throws SourceError when the remote is unreachable or the tip is refused; the accepted revision stays.
   */
  poll(): Promise<Revision>;
  /** Reads a commit from the local copy, with its signature checked again; works offline. */
  read(commit: string): Promise<Revision>;
  /** @returns the newest accepted commit id, or null before the first. */
  accepted(): Promise<string | null>;
}

/** Closed: `unreachable` may pass by itself, the others need a person. */
export type SourceErrorCode =
  | 'misconfigured'
  | 'unreachable'
  | 'unauthorized'
  | 'not-found'
  | 'unsigned'
  | 'untrusted-signer'
  | 'not-descendant'
  | 'unsafe-tree'
  | 'too-large'
  | 'local-copy';

/** A refused or failed fetch. `commit` is the refused tip where one was seen. */
export class SourceError extends Error {
  readonly code: SourceErrorCode;
  readonly commit: string | null;

  constructor(code: SourceErrorCode, message: string, options: { commit?: string; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.name = 'SourceError';
    this.code = code;
    this.commit = options.commit ?? null;
  }
}
