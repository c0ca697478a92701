import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Attacker } from './attackers.ts';
import { buildProgram, type EscapeStage, openEscapeStage, resultName } from './escape-stage.ts';

const run = promisify(execFile);

type Results = Readonly<Record<string, string>>;

/** What each attacker is told, as one name or several that different kernels give; `open` is where the attempt gets through. */
interface Door {
  readonly attempt: string;
  readonly root: string;
  readonly user?: string;
  readonly nodeRoot?: string;
  readonly admin: string;
  readonly open: { readonly on: 'node' | 'admin'; readonly with?: string };
}

const ATTACKERS = ['root', 'user', 'admin', 'node root'] as const;

const ON_NODE = { on: 'node' } as const;
const FOR_ADMIN = { on: 'admin' } as const;

/** `done` for `admin` is a thing of its own pod. ENOENT: this kernel has no such file. */
const DOORS: readonly Door[] = [
  { attempt: 'load-module', root: 'EPERM', admin: 'EPERM ENOSYS', open: { on: 'node', with: 'ENOEXEC ENOSYS' } },
  { attempt: 'load-bpf', root: 'EPERM', admin: 'EPERM', open: ON_NODE },
  { attempt: 'watch-whole-node', root: 'EPERM', admin: 'EACCES EPERM', open: ON_NODE },
  { attempt: 'hold-page-faults', root: 'EPERM', admin: 'EPERM', open: ON_NODE },
  { attempt: 'make-uring', root: 'EPERM', admin: 'done EPERM', open: ON_NODE },
  { attempt: 'read-kernel-log', root: 'EPERM', admin: 'EPERM', open: ON_NODE },
  { attempt: 'open-raw-socket', root: 'EPERM', admin: 'done', open: FOR_ADMIN },
  { attempt: 'open-packet-socket', root: 'EPERM', admin: 'done', open: FOR_ADMIN },
  { attempt: 'add-key', root: 'EPERM', admin: 'done', open: FOR_ADMIN },
  // EIO where dev.tty.legacy_tiocsti is off: the filter does not rely on it.
  { attempt: 'inject-into-terminal', root: 'EPERM', admin: 'done EIO', open: { on: 'node', with: 'done EIO' } },
  {
    attempt: 'mount-by-32-bit-call',
    root: 'ENOSYS',
    admin: 'EFAULT ENOSYS',
    open: { on: 'node', with: 'EFAULT ENOSYS' },
  },
  { attempt: 'unshare-users', root: 'EPERM', admin: 'ENOSPC', open: ON_NODE },
  { attempt: 'clone-users', root: 'EPERM', admin: 'ENOSPC', open: ON_NODE },
  { attempt: 'clone3-users', root: 'ENOSYS', admin: 'ENOSPC', open: ON_NODE },
  { attempt: 'map-own-id', root: 'EPERM', admin: 'ENOSPC', open: ON_NODE },
  { attempt: 'map-foreign-id', root: 'EPERM', admin: 'ENOSPC', open: { on: 'node', with: 'EPERM' } },
  { attempt: 'enter-another', root: 'ESRCH', admin: 'ESRCH', open: ON_NODE },
  { attempt: 'enter-own', root: 'EPERM', admin: 'done', open: FOR_ADMIN },
  { attempt: 'mount-anything', root: 'EPERM', admin: 'done', open: FOR_ADMIN },
  { attempt: 'set-release-agent', root: 'EPERM', admin: 'EPERM EACCES', open: ON_NODE },
  { attempt: 'leave-cgroup', root: 'EPERM', admin: 'EACCES', open: ON_NODE },
  { attempt: 'make-device', root: 'EPERM', nodeRoot: 'EACCES', admin: 'EPERM', open: ON_NODE },
  { attempt: 'open-by-handle', root: 'EPERM', admin: 'EPERM', open: ON_NODE },
  { attempt: 'set-core-pattern', root: 'EACCES EROFS', nodeRoot: 'EROFS', admin: 'EACCES EROFS', open: ON_NODE },
  {
    attempt: 'press-sysrq',
    root: 'EACCES EROFS ENOENT',
    nodeRoot: 'EROFS ENOENT',
    admin: 'EACCES EROFS ENOENT',
    open: { on: 'node', with: 'done ENOENT' },
  },
  {
    attempt: 'read-kernel-memory',
    root: 'EACCES EPERM ENODATA ENOENT',
    admin: 'EACCES EPERM ENODATA ENOENT',
    open: { on: 'node', with: 'done ENOENT' },
  },
];

let stage: EscapeStage;
let results: Readonly<Record<Attacker | 'node', Results>>;

beforeAll(async () => {
  stage = await openEscapeStage();
  await buildProgram(join(stage.layer, 'bin/attempts'), 'attempts.c', 'calls.c', 'files.c', 'namespaces.c');
  await buildProgram(join(stage.layer, 'bin/writable-files'), 'writable-files.c');
  results = {
    root: await attemptsOf('root'),
    user: await attemptsOf('user'),
    admin: await attemptsOf('admin'),
    'node root': await attemptsOf('node root'),
    node: await attemptsOnNode(),
  };
});

afterAll(() => stage.close());

describe('a door to the kernel or the node', () => {
  test.each(DOORS)('$attempt', ({ attempt, root, user = root, nodeRoot = root, admin, open }) => {
    const { with: way = 'done' } = open;
    expect(way.split(' ')).toContain(results[open.on][attempt]);
    expect(root.split(' ')).toContain(results.root[attempt]);
    expect(user.split(' ')).toContain(results.user[attempt]);
    expect(nodeRoot.split(' ')).toContain(results['node root'][attempt]);
    expect(admin.split(' ')).toContain(results.admin[attempt]);
  });
});

describe('the kernel’s files', () => {
  test('are the node’s to write, and no attacker’s', async () => {
    const program = join(stage.layer, 'bin/writable-files');
    const { stdout: onNode } = await run(program, { maxBuffer: 2 ** 24 });
    expect(onNode).toContain('/proc/sys/kernel/core_pattern\n');
    for (const attacker of ATTACKERS) {
      const { stdout } = await stage.attack(attacker, 'exec writable-files');
      expect(stdout.at(-1)).toBe('end');
      // Anybody may ask these to be woken under pressure; nothing is changed by it.
      expect(stdout.slice(0, -1).filter((path) => !path.startsWith('/proc/pressure/'))).toEqual([]);
    }
  });
});

async function attemptsOf(attacker: Attacker): Promise<Results> {
  const { stdout } = await stage.attack(attacker, `exec attempts ${DOORS.map(({ attempt }) => attempt).join(' ')}`);
  return resultsOf(stdout);
}

/** The same with nothing in the way but a mount table of its own, which keeps the node clean. */
async function attemptsOnNode(): Promise<Results> {
  const cwd = join(stage.directory, 'on-node');
  await mkdir(cwd);
  const attempts = DOORS.map(({ attempt }) => attempt).filter((attempt) => attempt !== 'add-key');
  const { stdout } = await run('unshare', ['--mount', join(stage.layer, 'bin/attempts'), ...attempts], { cwd });
  return resultsOf(stdout.trimEnd().split('\n'));
}

function resultsOf(lines: readonly string[]): Results {
  return Object.fromEntries(
    lines.map((line) => {
      const [attempt = '', errno] = line.split(' ');
      return [attempt, resultName(Number(errno))];
    }),
  );
}
