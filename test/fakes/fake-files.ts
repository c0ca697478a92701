import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join, normalize } from 'node:path';
import { launchMountOf } from '../../native/container/mounts.ts';
import { BackendError, type ContainerSpec, type OciMount, type SandboxVolume } from '../../native/index.ts';

/** A file system on a directory of the node. */
export interface MountPoint {
  readonly at: string;
  /** Where its files really are. */
  readonly place: string;
}

/** What of a node mounts are made from. */
export interface MountGround {
  volumeSpec(id: string, name: string): SandboxVolume | null;
  volume(id: string, name: string): string | null;
  mountPoints(): readonly MountPoint[];
  mountOn(at: string): string;
}

/** What a container sees of its mounts. Calls throw what the kernel would, by its `code`. */
export interface FakeFiles {
  read(path: string): string;
  write(path: string, text: string): void;
  /** Mounts an empty file system on a directory below one of its mounts. */
  mount(path: string): void;
}

interface FakeMount {
  readonly destination: string;
  readonly isReadOnly: boolean;
  readonly options: readonly string[];
  /** Where on the node it is, or texts by path in memory. */
  readonly place: string | Map<string, string>;
  readonly maxBytes: number | null;
}

/**
 * Makes the mounts of a container, as far as the contract can tell.
 * @throws BackendError as the kernel's backend does, with the same code and errno.
 */
export function openFakeFiles(node: MountGround, spec: ContainerSpec): FakeFiles {
  for (const mount of spec.config.mounts) launchMountOf(mount, null);
  const mounts = spec.config.mounts.map((mount) => mounted(node, spec.sandboxId, mount));
  const seen = node.mountPoints().length;
  const find = (path: string): { mount: FakeMount; inside: string } => {
    const [mount] = mounts
      .filter(({ destination }) => path === destination || path.startsWith(`${destination}/`))
      .toSorted((a, b) => b.destination.length - a.destination.length);
    if (mount === undefined) throw failure('ENOENT', path);
    return { mount, inside: path.slice(mount.destination.length + 1) };
  };
  /** Where a path leads on the node: through what was mounted there before, and later where that is passed on. */
  const resolve = ({ place, options }: FakeMount, inside: string): string => {
    const path = join(place as string, inside);
    const visible = node
      .mountPoints()
      .slice(0, options.some((option) => /^r(slave|shared)$/.test(option)) ? undefined : seen);
    const over = visible.findLast(({ at }) => path === at || path.startsWith(`${at}/`));
    return over === undefined ? path : join(over.place, path.slice(over.at.length));
  };
  return {
    read: (path) => {
      const { mount, inside } = find(path);
      if (typeof mount.place === 'string') return readFileSync(resolve(mount, inside), 'utf8');
      const text = mount.place.get(inside);
      if (text === undefined) throw failure('ENOENT', path);
      return text;
    },
    write: (path, text) => {
      const { mount, inside } = find(path);
      if (mount.isReadOnly) throw failure('EROFS', path);
      if (mount.maxBytes !== null && usedBytes(mount.place) + text.length > mount.maxBytes)
        throw failure('ENOSPC', path);
      if (typeof mount.place === 'string') writeFileSync(resolve(mount, inside), text);
      else mount.place.set(inside, text);
    },
    mount: (path) => {
      const { mount, inside } = find(path);
      if (typeof mount.place === 'string' && mount.options.includes('rshared')) node.mountOn(join(mount.place, inside));
    },
  };
}

function mounted(node: MountGround, sandboxId: string, mount: OciMount): FakeMount {
  const { destination, options } = mount;
  const base = { destination, options, isReadOnly: options.includes('ro') };
  if (mount.type === 'tmpfs') {
    const [, size, unit = ''] =
      /^size=(\d+)(k?)$/.exec(options.find((option) => option.startsWith('size=')) ?? '') ?? [];
    const maxBytes = size === undefined ? null : Number(size) * (unit === 'k' ? 1024 : 1);
    return { ...base, place: new Map(), maxBytes };
  }
  if (mount.type === 'bind') return { ...base, place: below(sourceOf(mount), mount), maxBytes: null };
  const volume = node.volumeSpec(sandboxId, mount.source);
  if (volume === null) throw refusal('ENOENT', 'open volume', mount.source);
  const path = node.volume(sandboxId, mount.source);
  return { ...base, place: path === null ? new Map() : below(path, mount), maxBytes: volume.maxBytes };
}

/** What a bind mounts must be there, and be what it is said to be; some must be reached through no link. */
function sourceOf({ source, options }: OciMount): string {
  const about = statSync(source, { throwIfNoEntry: false });
  if (about === undefined) throw refusal('ENOENT', 'open volume', source);
  if (options.includes('strict') && realpathSync(source) !== normalize(source))
    throw refusal('ELOOP', 'open volume', source);
  if (options.includes('directory') && !about.isDirectory()) throw refusal('ENOTDIR', 'check volume', source);
  if (options.includes('file') && !about.isFile())
    throw refusal(about.isDirectory() ? 'EISDIR' : 'EINVAL', 'check volume', source);
  if (options.includes('socket') && !about.isSocket()) throw refusal('ENOTSOCK', 'check volume', source);
  return source;
}

/** Follows a `subPath` name by name. Links that stay within are followed; one that leads out is refused. */
function below(root: string, { subPath = '', options }: OciMount): string {
  let names = subPath.split('/').filter((name) => name !== '');
  let path: readonly string[] = [];
  const at = (): string => join(root, ...path);
  for (let [name] = names; name !== undefined; [name] = names) {
    names = names.slice(1);
    if (name === '..' && path.length === 0) throw refusal('EXDEV', 'open path of volume', subPath);
    path = name === '..' ? path.slice(0, -1) : [...path, name];
    const about = lstatSync(at(), { throwIfNoEntry: false });
    if (about === undefined && !options.includes('make-path')) throw refusal('ENOENT', 'open path of volume', subPath);
    if (about === undefined) mkdirSync(at());
    if (!about?.isSymbolicLink()) continue;
    const target = readlinkSync(at());
    if (target.startsWith('/')) throw refusal('EXDEV', 'open path of volume', subPath);
    path = path.slice(0, -1);
    names = [...target.split('/').filter((each) => each !== '.' && each !== ''), ...names];
  }
  return at();
}

function usedBytes(place: string | Map<string, string>): number {
  if (typeof place !== 'string') return [...place.values()].reduce((sum, text) => sum + text.length, 0);
  const files = readdirSync(place, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.reduce((sum, { parentPath, name }) => sum + lstatSync(join(parentPath, name)).size, 0);
}

function failure(code: string, path: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}

function refusal(errno: string, stage: string, path: string): BackendError {
  return new BackendError('kernel', stage, `${stage} failed with ${errno} (${path})`, { errno });
}
