import { readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * What a container's first process is: identity, confinement, limits, mounts, groups, descriptors. Two starts of one
 * spec give the same portrait; what differs between any two starts (pids, inode and mount numbers) is left out.
 */
export async function portraitOf(pid: number): Promise<Readonly<Record<string, unknown>>> {
  const proc = join('/proc', String(pid));
  const read = (name: string): Promise<string> => readFile(join(proc, name), 'utf8');
  const namespaces = await privateNamespaces(join(proc, 'ns'));
  const status = (await read('status')).split('\n');
  return {
    status: status.filter((line) =>
      /^(Umask|Uid|Gid|Groups|Cap\w+|NoNewPrivs|Seccomp\w*|Sig(Blk|Ign|Cgt)):/.test(line),
    ),
    ids: [await read('uid_map'), await read('gid_map')],
    limits: await read('limits'),
    oomScore: await read('oom_score_adj'),
    cgroups: await read('cgroup'),
    mounts: (await read('mountinfo')).split('\n').map(withoutNumbers),
    command: [await read('cmdline'), await read('environ')],
    descriptors: await descriptors(join(proc, 'fd')),
    namespaces,
    devices: namespaces.includes('mnt') ? await devicesBelow(join(proc, 'root/dev')) : null,
    directory: (await readlink(join(proc, 'cwd'))).replace(/^.*state\//, ''),
  };
}

/** proc_pid_mountinfo(5): root, mount point, options, then type and source; an overlay's own options name descriptors. */
function withoutNumbers(line: string): string {
  const [before = '', after = ''] = line.split(' - ');
  const [, , , ...kept] = before.split(' ');
  return [...kept.slice(0, 3), ...after.split(' ').slice(0, 2)].join(' ');
}

async function descriptors(directory: string): Promise<readonly string[]> {
  const names = (await readdir(directory)).sort();
  const links = await Promise.all(names.map((name) => readlink(join(directory, name))));
  return links.map((link, index) => `${names[index]} ${link.replace(/\d+/, '')}`);
}

/** The kinds of namespace that are not the node's. */
async function privateNamespaces(directory: string): Promise<readonly string[]> {
  const kinds = await readdir(directory);
  const isPrivate = await Promise.all(
    kinds.map(async (kind) => (await readlink(join(directory, kind))) !== (await readlink(`/proc/self/ns/${kind}`))),
  );
  return kinds.filter((_, index) => isPrivate[index]).sort();
}

/** The holder of a pod has no /dev. */
async function devicesBelow(path: string): Promise<readonly string[]> {
  return (await readdir(path).catch((): string[] => [])).sort();
}
