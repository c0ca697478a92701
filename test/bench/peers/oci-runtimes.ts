import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defaultSeccomp } from '../../../native/index.ts';
import type { BenchNode } from '../bench-node.ts';
import { type PeerWorld, reasonMissing } from './peer-world.ts';

const TOOLS = fileURLToPath(new URL('../../../.cache/tools/', import.meta.url));

/** A program with the OCI runtime command line. */
export interface OciRuntime {
  readonly name: string;
  readonly program: string;
}

export const NEWEST_CRUN: OciRuntime = { name: 'crun 1.28', program: join(TOOLS, 'crun') };
export const CRUN: OciRuntime = { name: "Debian 12's crun 1.8", program: 'crun' };
export const RUNC: OciRuntime = { name: "Debian 12's runc 1.1", program: 'runc' };

/** Runs one bundle by OCI runtimes. */
export interface OciBench {
  /** Milliseconds that `run` of the container takes, its end and removal included; into cgroups with limits, or none. */
  time(runtime: OciRuntime, id: string, cgroups: 'limits' | 'none'): Promise<number>;
}

/** @returns why a runtime does not run here, or null. */
export function reasonRuntimeMissing({ program }: OciRuntime): Promise<string | null> {
  return reasonMissing(program, '--version');
}

/** Lays the bundles out: the same root, namespaces, user namespace, seccomp filter, masked paths and limits as ours. */
export async function createOciBench(node: BenchNode, world: PeerWorld): Promise<OciBench> {
  const bundles = { limits: join(node.directory, 'bundle-limits'), none: join(node.directory, 'bundle-none') };
  await writeBundle(bundles.limits, await bundleConfig(node, world, 'limits'));
  await writeBundle(bundles.none, await bundleConfig(node, world, 'none'));
  return {
    time: async ({ program }, id, cgroups) => {
      const manager = cgroups === 'none' ? '--cgroup-manager disabled' : '';
      const script = `"$1" --root "$2" ${manager} run --bundle "$3" "$4"`;
      return world.time(script, program, join(node.directory, 'runtimes'), bundles[cgroups], id);
    },
  };
}

async function writeBundle(directory: string, config: object): Promise<void> {
  await mkdir(directory);
  await writeFile(join(directory, 'config.json'), JSON.stringify(config));
}

async function bundleConfig(node: BenchNode, { cgroupRoot }: PeerWorld, cgroups: 'limits' | 'none'): Promise<object> {
  const mapping = [{ containerID: 0, hostID: 1_000_000_000, size: 65_536 }];
  const mount = (destination: string, type: string, options: readonly string[]): object => ({
    ...{ destination, type, source: type, options: ['nosuid', 'noexec', ...options] },
  });
  return {
    ociVersion: '1.0.2',
    process: {
      ...{ args: ['/bin/true'], env: ['PATH=/bin'], cwd: '/', noNewPrivileges: true, terminal: false },
      user: { uid: 1000, gid: 1000, umask: 0o022 },
      capabilities: { bounding: [], effective: [], permitted: [], inheritable: [], ambient: [] },
    },
    root: { path: node.layer, readonly: true },
    hostname: 'bench',
    mounts: [
      mount('/proc', 'proc', ['nodev']),
      mount('/dev', 'tmpfs', ['mode=755', 'size=65536k']),
      mount('/dev/pts', 'devpts', ['newinstance', 'ptmxmode=0666', 'mode=0620']),
      mount('/dev/shm', 'tmpfs', ['nodev', 'mode=1777', 'size=65536k']),
      mount('/dev/mqueue', 'mqueue', ['nodev']),
      mount('/sys', 'sysfs', ['nodev', 'ro']),
    ],
    linux: {
      ...{ uidMappings: mapping, gidMappings: mapping },
      namespaces: ['pid', 'network', 'ipc', 'uts', 'mount', 'cgroup', 'user'].map((type) => ({ type })),
      maskedPaths: ['/proc/kcore', '/proc/keys', '/sys/firmware'],
      readonlyPaths: ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'],
      seccomp: ociSeccomp(),
      ...(cgroups === 'none'
        ? {}
        : {
            cgroupsPath: `${cgroupRoot}/container`,
            resources: {
              memory: { limit: 64 * 1024 * 1024 },
              cpu: { quota: 50_000, period: 100_000 },
              pids: { limit: 64 },
            },
          }),
    },
  };
}

/** In the form of the runtime-spec: numbers, not bigints. */
function ociSeccomp(): unknown {
  return JSON.parse(
    JSON.stringify(defaultSeccomp, (_, value: unknown) => (typeof value === 'bigint' ? Number(value) : value)),
  );
}
