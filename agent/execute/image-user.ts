import type { Container } from '../../manifests/index.ts';
import { StepError } from './step-error.ts';

/** Numeric ids a container's program starts with, as the container sees them. */
export interface ImageUser {
  readonly uid: number;
  readonly gid: number;
}

/** Reads a small text file of the image (`/etc/passwd`), or null when it has none. */
export type ReadImageFile = (path: string) => Promise<string | null>;

const LARGEST_ID = 65_535;
const ID = /^\d{1,9}$/;

/**
 * Resolves who a container runs as: `runAsUser`/`runAsGroup`, else the image's `User` (`user`, `user:group`, names looked up
 * in the image's own `/etc/passwd` and `/etc/group`), else root. OCI image-spec config `User`.
 * @throws StepError `image-user` when a name is unknown, an id is out of range, or `runAsNonRoot` is set and it is root.
 */
export async function resolveUser(
  container: Container,
  imageUser: string,
  readFile: ReadImageFile,
): Promise<ImageUser> {
  const { runAsUser, runAsGroup, runAsNonRoot } = container.securityContext;
  const [userPart = '', groupPart] = imageUser.split(':');
  const found = runAsUser === null ? await lookUpUser(userPart, readFile) : { uid: runAsUser, gid: 0 };
  const gid =
    runAsGroup ?? (runAsUser === null && groupPart !== undefined ? await lookUpGroup(groupPart, readFile) : found.gid);
  checkRange(container.name, found.uid, gid);
  if (runAsNonRoot && found.uid === 0) {
    throw new StepError(
      'image-user',
      `container ${container.name} must run as non-root, but its user is 0; set runAsUser`,
    );
  }
  return { uid: found.uid, gid };
}

async function lookUpUser(user: string, readFile: ReadImageFile): Promise<ImageUser> {
  if (user === '') return { uid: 0, gid: 0 };
  const entries = fields((await readFile('etc/passwd')) ?? '');
  const isNumber = ID.test(user);
  const entry = entries.find(([name, , uid]) => (isNumber ? uid === user : name === user));
  const [, , uid = '', gid = ''] = entry ?? [];
  if (ID.test(uid) && ID.test(gid)) return { uid: Number(uid), gid: Number(gid) };
  if (isNumber) return { uid: Number(user), gid: 0 };
  throw new StepError('image-user', `the image's user "${user}" is not in its /etc/passwd; set runAsUser`);
}

async function lookUpGroup(group: string, readFile: ReadImageFile): Promise<number> {
  if (ID.test(group)) return Number(group);
  const entry = fields((await readFile('etc/group')) ?? '').find(([name]) => name === group);
  const gid = entry?.[2] ?? '';
  if (ID.test(gid)) return Number(gid);
  throw new StepError('image-user', `the image's group "${group}" is not in its /etc/group; set runAsGroup`);
}

function fields(text: string): readonly (readonly string[])[] {
  return text.split('\n').map((line) => line.split(':'));
}

function checkRange(container: string, uid: number, gid: number): void {
  if (uid <= LARGEST_ID && gid <= LARGEST_ID) return;
  throw new StepError(
    'image-user',
    `container ${container}: user ${uid}:${gid} is outside the pod's id range 0-${LARGEST_ID}`,
  );
}
