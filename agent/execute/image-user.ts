import type { Container } from '../../manifests/index.ts';
import { StepError } from './step-error.ts';

/** Numeric ids a container's program starts with, as the container sees them. */
export interface ImageUser {
  readonly uid: number;
  readonly gid: number;
  /** Groups the image's /etc/group puts the user in, where the manifest asks for them. */
  readonly groups?: readonly number[];
}

/** Reads a small text file of the image (`/etc/passwd`), or null when it has none. */
export type ReadImageFile = (path: string) => Promise<string | null>;

/** An image is not to make a process carry more than a few. */
const MOST_GROUPS = 64;

const LARGEST_ID = { private: 65_535, host: 0xfffffffe } as const;

/**
 * Resolves who a container runs as: `runAsUser`/`runAsGroup`, else the image's `User` (`user`, `user:group`, names looked up
 * in the image's own `/etc/passwd` and `/etc/group`), else root. OCI image-spec config `User`.
 * @param users whose ids the pod has: 65536 of its own, or those of the node.
 * @throws StepError `image-user` when a name is unknown, an id is out of range, or `runAsNonRoot` is set and it is root.
 */
export async function resolveUser(
  container: Container,
  imageUser: string,
  readFile: ReadImageFile,
  users: 'private' | 'host' = 'private',
): Promise<ImageUser> {
  const { runAsUser, runAsGroup, runAsNonRoot, mergesImageGroups } = container.securityContext;
  const [userPart = '', groupPart = ''] = imageUser.split(':');
  const found = runAsUser === null ? await lookUpUser(userPart, readFile) : { uid: runAsUser, gid: 0 };
  const hasGroup = runAsUser === null && groupPart !== '';
  const gid = runAsGroup ?? (hasGroup ? await lookUpGroup(groupPart, readFile) : found.gid);
  checkRange(container.name, { uid: found.uid, gid }, LARGEST_ID[users]);
  if (runAsNonRoot && found.uid === 0) {
    throw new StepError(
      'image-user',
      `container ${container.name} must run as non-root, but its user is 0; set runAsUser`,
    );
  }
  if (!mergesImageGroups) return { uid: found.uid, gid };
  return { uid: found.uid, gid, groups: await lookUpGroups(found.uid, readFile, LARGEST_ID[users]) };
}

/** Groups out of range are passed over, as groups the image merely lists. */
async function lookUpGroups(uid: number, readFile: ReadImageFile, largest: number): Promise<readonly number[]> {
  const entry = fields((await readFile('etc/passwd')) ?? '').find(([, , id = '']) => isId(id) && Number(id) === uid);
  const [name = ''] = entry ?? [];
  if (name === '') return [];
  const groups = fields((await readFile('etc/group')) ?? '');
  const ids = groups.flatMap(([, , gid = '', members = '']) =>
    isId(gid) && Number(gid) <= largest && members.split(',').includes(name) ? [Number(gid)] : [],
  );
  return [...new Set(ids)].sort((a, b) => a - b).slice(0, MOST_GROUPS);
}

async function lookUpUser(user: string, readFile: ReadImageFile): Promise<ImageUser> {
  if (user === '') return { uid: 0, gid: 0 };
  const entries = fields((await readFile('etc/passwd')) ?? '');
  const isNumber = isId(user);
  const entry = entries.find(([name, , uid]) => (isNumber ? uid === user : name === user));
  const [, , uid = '', gid = ''] = entry ?? [];
  if (isId(uid) && isId(gid)) return { uid: Number(uid), gid: Number(gid) };
  if (isNumber) return { uid: Number(user), gid: 0 };
  throw new StepError('image-user', `the image's user ${quoted(user)} is not in its /etc/passwd; set runAsUser`);
}

async function lookUpGroup(group: string, readFile: ReadImageFile): Promise<number> {
  if (isId(group)) return Number(group);
  const entry = fields((await readFile('etc/group')) ?? '').find(([name]) => name === group);
  const gid = entry?.[2] ?? '';
  if (isId(gid)) return Number(gid);
  throw new StepError('image-user', `the image's group ${quoted(group)} is not in its /etc/group; set runAsGroup`);
}

function fields(text: string): readonly (readonly string[])[] {
  return text.split('\n').map((line) => line.split(':'));
}

/** What is too large for any node is no id but may be a name. */
function isId(text: string): boolean {
  return /^\d{1,10}$/.test(text) && Number(text) <= LARGEST_ID.host;
}

function checkRange(container: string, { uid, gid }: ImageUser, largest: number): void {
  if (uid <= largest && gid <= largest) return;
  throw new StepError('image-user', `container ${container}: user ${uid}:${gid} is outside the id range 0-${largest}`);
}

const LONGEST_SHOWN = 64;

/** The image chose the text: it is shown without characters that would command a terminal. */
function quoted(text: string): string {
  return JSON.stringify(text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text);
}
