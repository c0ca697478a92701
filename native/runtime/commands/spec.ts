import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { BackendError } from '../../errors.ts';

const FILE = 'config.json';
const CAPABILITIES = ['CAP_AUDIT_WRITE', 'CAP_KILL', 'CAP_NET_BIND_SERVICE'];
const HARMLESS = ['nosuid', 'noexec', 'nodev'];

/**
 * Writes a config.json to begin with: a shell on a terminal, in namespaces of its own, on a read-only root.
 * @throws BackendError `invalid-spec` when the bundle has one already, which stays as it is.
 */
export async function writeSpec(bundle: string): Promise<void> {
  const path = join(bundle, FILE);
  const file = await open(path, 'wx', 0o644).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'EEXIST') throw cause;
    throw new BackendError('invalid-spec', 'spec', `${path}: exists already: remove it first`, { cause });
  });
  try {
    await file.writeFile(`${JSON.stringify(TEMPLATE, null, 2)}\n`);
  } finally {
    await file.close();
  }
}

const TEMPLATE = {
  ociVersion: '1.2.0',
  process: {
    terminal: true,
    user: { uid: 0, gid: 0 },
    args: ['sh'],
    env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'TERM=xterm'],
    cwd: '/',
    capabilities: { bounding: CAPABILITIES, effective: CAPABILITIES, permitted: CAPABILITIES },
    rlimits: [{ type: 'RLIMIT_NOFILE', hard: 1024, soft: 1024 }],
    noNewPrivileges: true,
  },
  root: { path: 'rootfs', readonly: true },
  hostname: 'holdfast',
  mounts: [
    { destination: '/proc', type: 'proc', source: 'proc' },
    {
      ...{ destination: '/dev', type: 'tmpfs', source: 'tmpfs' },
      options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
    },
    {
      ...{ destination: '/dev/pts', type: 'devpts', source: 'devpts' },
      options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
    },
    {
      ...{ destination: '/dev/shm', type: 'tmpfs', source: 'shm' },
      options: [...HARMLESS, 'mode=1777', 'size=65536k'],
    },
    { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: HARMLESS },
    { destination: '/sys', type: 'sysfs', source: 'sysfs', options: [...HARMLESS, 'ro'] },
    { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: [...HARMLESS, 'relatime', 'ro'] },
  ],
  linux: {
    resources: { devices: [{ allow: false, access: 'rwm' }] },
    namespaces: ['pid', 'network', 'ipc', 'uts', 'mount', 'cgroup'].map((type) => ({ type })),
    maskedPaths: [
      ...['acpi', 'asound', 'kcore', 'keys', 'latency_stats', 'timer_list', 'timer_stats', 'sched_debug', 'scsi'].map(
        (name) => `/proc/${name}`,
      ),
      '/sys/firmware',
    ],
    readonlyPaths: ['bus', 'fs', 'irq', 'sys', 'sysrq-trigger'].map((name) => `/proc/${name}`),
  },
} as const;
