import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Container } from '../../manifests/index.ts';
import { type OciSeccomp, parseSeccompProfile } from '../../native/index.ts';
import { StepError } from './step-error.ts';

const LARGEST_BYTES = 1024 * 1024;

/** A seccomp profile of the node, as it is in its file now. */
export interface SeccompProfile {
  readonly seccomp: OciSeccomp;
  /** Below the directory of profiles. */
  readonly path: string;
  /** `sha256:…` of the file. */
  readonly digest: string;
}

/** The seccomp profiles a node keeps for pods that name one (`type: Localhost`). */
export interface SeccompProfiles {
  /**
   * @returns the profile a container names, or null when it names none.
   * @throws StepError `seccomp-profile` naming file and field for one that is missing, not ours to read, or no profile.
   */
  of(container: Pick<Container, 'name' | 'securityContext'>): Promise<SeccompProfile | null>;
  /** @returns the digest of a profile's file as it is now, or null when it cannot be read. */
  digest(path: string): Promise<string | null>;
}

/**
 * Reads profiles from a directory that is the node's root's own. The same text gives the same object, for which the
 * compiled filter is kept.
 */
export function createSeccompProfiles(directory: string): SeccompProfiles {
  const known = new Map<string, OciSeccomp>();
  const read = async (path: string): Promise<SeccompProfile> => {
    const bytes = await readBelow(directory, path);
    const digest = digestOf(bytes);
    const seccomp = known.get(digest) ?? parseSeccompProfile(bytes.toString('utf8'));
    known.set(digest, seccomp);
    return { seccomp, path, digest };
  };
  return {
    of: async ({ name, securityContext: { seccompProfile, localhostProfile } }) => {
      if (seccompProfile !== 'Localhost' || localhostProfile === null) return null;
      try {
        return await read(localhostProfile);
      } catch (error) {
        const why = (error as Error).message;
        const message = `container ${name}: seccomp profile ${join(directory, localhostProfile)}: ${why}`;
        throw new StepError('seccomp-profile', message);
      }
    },
    digest: async (path) => {
      const bytes = await readBelow(directory, path).catch(() => null);
      return bytes === null ? null : digestOf(bytes);
    },
  };
}

/** Every directory on the way is opened without following a link, from the one above it. */
async function readBelow(directory: string, path: string): Promise<Buffer> {
  const parts = path.split('/');
  let held: FileHandle = await open(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    for (const [index, part] of parts.entries()) {
      const kind = index < parts.length - 1 ? constants.O_DIRECTORY : constants.O_NONBLOCK;
      await checkOwner(held);
      const next = await open(`/proc/self/fd/${held.fd}/${part}`, constants.O_RDONLY | constants.O_NOFOLLOW | kind);
      await held.close();
      held = next;
    }
    return await readSmallFile(held);
  } finally {
    await held.close();
  }
}

async function checkOwner(file: FileHandle): Promise<void> {
  const { uid, mode } = await file.stat();
  if (uid === 0 && (mode & 0o022) === 0) return;
  throw new Error(
    'it and the folders it is in must be root’s, and nobody else’s to write; run chown root and chmod go-w',
  );
}

async function readSmallFile(file: FileHandle): Promise<Buffer> {
  await checkOwner(file);
  const about = await file.stat();
  if (!about.isFile()) throw new Error('expected a regular file');
  if (about.size > LARGEST_BYTES) throw new Error(`expected at most ${LARGEST_BYTES} bytes`);
  return file.readFile();
}

function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
