/** Where cgroup hierarchies are mounted. */
export interface CgroupMounts {
  /** Mount point of each v1 controller; several controllers may share one. */
  readonly v1: ReadonlyMap<string, string>;
  /** Mount point of the v2 tree, with or without controllers. */
  readonly unified: string | null;
}

/**
 * Finds the cgroup mounts in the text of a mountinfo file (proc_pid_mountinfo(5)). Of several mounts of one
 * hierarchy, a whole one wins over one of a part of it, then the first.
 */
export function parseCgroupMounts(mountinfo: string): CgroupMounts {
  const v1 = new Map<string, string>();
  let unified: string | null = null;
  for (const mount of mountinfo.split('\n').map(parseLine).filter(isCgroup).sort(wholeFirst)) {
    if (mount.type === 'cgroup2') unified ??= mount.path;
    else for (const name of mount.superOptions) if (!v1.has(name)) v1.set(name, mount.path);
  }
  return { v1, unified };
}

interface Mount {
  readonly type: string;
  readonly root: string;
  readonly path: string;
  readonly superOptions: readonly string[];
}

function parseLine(line: string): Mount | null {
  const [before = '', after = ''] = line.split(' - ');
  const [, , , root, path] = before.split(' ');
  const [type, , superOptions] = after.split(' ');
  if (root === undefined || path === undefined || type === undefined || superOptions === undefined) return null;
  return { type, root, path: unescapeOctal(path), superOptions: superOptions.split(',') };
}

function isCgroup(mount: Mount | null): mount is Mount {
  return mount?.type === 'cgroup' || mount?.type === 'cgroup2';
}

function wholeFirst(a: Mount, b: Mount): number {
  return Number(b.root === '/') - Number(a.root === '/');
}

function unescapeOctal(path: string): string {
  return path.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
