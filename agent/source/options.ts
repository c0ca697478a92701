import { readFile, stat } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { SourceError } from './source.ts';
import { oddName } from './tree-name.ts';

/** How the agent proves itself to the Git server. Secrets stay in files; every path is absolute. */
export interface GitAuth {
  /** Private key for ssh:// urls. */
  readonly sshKeyFile?: string;
  /** OpenSSH known_hosts with the server's key; required for ssh:// urls. */
  readonly knownHostsFile?: string;
  /** File that holds nothing but the token or password for http(s):// urls; readable by its owner only. */
  readonly tokenFile?: string;
  /** User name sent with the token; `git` unless given. */
  readonly username?: string;
}

/** What a fetch or a commit may cost. */
export interface GitLimits {
  /** Longest run of one git command; it is then ended. */
  readonly timeoutMs: number;
  /** Largest pack one fetch may bring. */
  readonly packBytes: number;
  /** Largest manifest file. */
  readonly fileBytes: number;
  /** Most manifest files in a commit. */
  readonly files: number;
  /** Largest sum of all manifest files. */
  readonly totalBytes: number;
}

export interface GitSourceOptions {
  /** `https://`, `http://`, `ssh://` or `file://`, without credentials. */
  readonly url: string;
  readonly branch: string;
  /** Folder of the manifests within the repository; '' is the root. */
  readonly path: string;
  /** The agent's state directory; this source owns `<stateDir>/source`. */
  readonly stateDir: string;
  /** OpenSSH allowed_signers file (ssh-keygen(1), ALLOWED SIGNERS), or null when SSH signatures are not accepted. */
  readonly allowedSigners: string | null;
  /** Armored OpenPGP public keys, or null when GPG signatures are not accepted. */
  readonly gpgKeyring: string | null;
  readonly auth: GitAuth;
  readonly limits?: Partial<GitLimits>;
}

export const DEFAULT_LIMITS: GitLimits = {
  timeoutMs: 60_000,
  packBytes: 256 * 1024 * 1024,
  fileBytes: 1024 * 1024,
  files: 2_000,
  totalBytes: 16 * 1024 * 1024,
};

const SCHEMES = new Set(['http:', 'https:', 'ssh:', 'file:']);
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/**
 * Refuses what could not work or would not be safe, before any command runs.
 * @throws SourceError `misconfigured`, naming the option and what to write instead.
 */
export async function checkOptions(options: GitSourceOptions): Promise<void> {
  if (options.allowedSigners === null && options.gpgKeyring === null) {
    refuse(
      'no signer is configured; give allowedSigners (OpenSSH) or gpgKeyring (OpenPGP), or no commit can be trusted',
    );
  }
  const url = checkUrl(options.url);
  checkBranch(options.branch);
  checkPath(options.path);
  await checkReadable('allowedSigners', options.allowedSigners);
  await checkReadable('gpgKeyring', options.gpgKeyring);
  if (url.protocol === 'ssh:') await checkSsh(options.auth);
  if (options.auth.tokenFile !== undefined) await checkToken(url, options.auth.tokenFile);
}

/** @returns the token, for taking it out of messages, or null when none is configured or it cannot be read. */
export async function readToken(auth: GitAuth): Promise<string | null> {
  if (auth.tokenFile === undefined) return null;
  const token = await readFile(auth.tokenFile, 'utf8').catch(() => '');
  return token.trim() || null;
}

function checkUrl(text: string): URL {
  const url = URL.parse(text);
  if (!url || !SCHEMES.has(url.protocol) || !/^[a-z]+:\/\//.test(text)) {
    return refuse(
      'url must start with https://, http://, ssh:// or file:// (write git@host:path as ssh://git@host/path)',
    );
  }
  if (url.password !== '' || (url.username !== '' && url.protocol !== 'ssh:')) {
    return refuse('url must not hold credentials; put the token into a file and name it in auth.tokenFile');
  }
  return url;
}

/** The rules of git-check-ref-format(1), narrowed to what branches are called in practice. */
function checkBranch(branch: string): void {
  const isPlain = /^[A-Za-z0-9_][A-Za-z0-9_./+@-]*$/.test(branch);
  if (!isPlain || /\.\.|\/\/|\/\.|@\{|\.lock(\/|$)|[./]$/.test(branch)) {
    refuse(`branch ${JSON.stringify(branch)} is not a branch name; give it without refs/heads/`);
  }
}

function checkPath(path: string): void {
  if (path === '') return;
  const odd = oddName(path);
  if (odd)
    refuse(
      `path ${JSON.stringify(path)} ${odd}; give a folder of the repository such as "fleet/edge", or "" for its root`,
    );
}

async function checkSsh(auth: GitAuth): Promise<void> {
  if (auth.sshKeyFile === undefined) refuse('an ssh:// url needs auth.sshKeyFile, the private key to log in with');
  if (auth.knownHostsFile === undefined) {
    refuse(
      'an ssh:// url needs auth.knownHostsFile with the key of the server; make it with ssh-keyscan and check the key',
    );
  }
  for (const name of ['sshKeyFile', 'knownHostsFile'] as const) {
    const path = auth[name] ?? null;
    // ssh gives these a meaning of their own inside option values (ssh_config(5), TOKENS).
    if (path && /["%$\s]/.test(path)) refuse(`auth.${name} must not contain spaces, quotes, % or $`);
    await checkReadable(`auth.${name}`, path);
  }
}

async function checkToken(url: URL, path: string): Promise<void> {
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && LOOPBACK.test(url.hostname))) {
    refuse('auth.tokenFile needs an https:// url; over anything else the token could be read on the way');
  }
  await checkReadable('auth.tokenFile', path);
  const { mode } = await stat(path);
  if (mode & 0o077) refuse(`auth.tokenFile ${path} can be read by others; run chmod 600 ${path}`);
  const token = await readFile(path, 'utf8');
  if (!/^\S+\s*$/.test(token)) refuse(`auth.tokenFile ${path} must hold one token on one line`);
}

async function checkReadable(option: string, path: string | null): Promise<void> {
  if (path === null) return;
  if (!isAbsolute(path)) refuse(`${option} must be an absolute path, not ${path}`);
  await readFile(path).catch((error: NodeJS.ErrnoException) =>
    refuse(`${option}: cannot read ${path} (${error.code})`),
  );
}

function refuse(message: string): never {
  throw new SourceError('misconfigured', `source.${message}`);
}
