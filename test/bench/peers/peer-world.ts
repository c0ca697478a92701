import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const CGROUPS = '/sys/fs/cgroup';

/**
 * Where other runtimes run: mount and network namespaces of their own, so that what they mount, and the bridges and
 * firewall rules they make, never meet the machine's. Where cgroups are hybrid, the v2 tree is hidden from them: crun
 * and docker refuse that mixture, and take the v1 hierarchies that are left, with the limits they are asked for.
 */
export interface PeerWorld {
  /** Below which they put their cgroups. */
  readonly cgroupRoot: string;
  /** Runs a bash script there. @returns what it wrote. @throws when it fails. */
  bash(script: string, ...args: readonly string[]): Promise<string>;
  /** The same, timed by the shell itself, so that entering the namespaces does not count. @returns milliseconds. */
  time(script: string, ...args: readonly string[]): Promise<number>;
  /** A command line that runs a program there. */
  enter(...command: readonly string[]): readonly [string, ...string[]];
  close(): Promise<void>;
}

/** Makes the namespaces. */
export async function openPeerWorld(): Promise<PeerWorld> {
  const script = `umount ${CGROUPS}/unified 2>/dev/null; ip link set lo up; echo ready; exec sleep 3600`;
  const holder = spawn('unshare', ['--mount', '--net', '--propagation', 'private', 'sh', '-c', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(holder.stdout, 'data');
  const cgroupRoot = `/holdfast-test-${randomBytes(4).toString('hex')}`;
  const enter = (...command: readonly string[]): readonly [string, ...string[]] => [
    'nsenter',
    `--target=${holder.pid}`,
    '--mount',
    '--net',
    ...command,
  ];
  const bash = async (text: string, ...args: readonly string[]): Promise<string> => {
    const [program, ...rest] = enter('bash', '-c', text, 'bash', ...args);
    return (await run(program, rest, { maxBuffer: 1 << 26 })).stdout;
  };
  return {
    cgroupRoot,
    bash,
    enter,
    time: async (text, ...args) => {
      const timed = `a=$EPOCHREALTIME; { ${text}; } >/dev/null; s=$?; b=$EPOCHREALTIME
        echo $(( \${b/./} - \${a/./} )); exit $s`;
      return Number(await bash(timed, ...args)) / 1_000;
    },
    close: async () => {
      const ended = once(holder, 'exit');
      holder.kill('SIGKILL');
      await ended;
      await removeGroups(cgroupRoot);
    },
  };
}

async function removeGroups(root: string): Promise<void> {
  for (const hierarchy of ['.', ...(await readdir(CGROUPS))]) {
    await run('find', [join(CGROUPS, hierarchy, root), '-depth', '-type', 'd', '-exec', 'rmdir', '{}', ';']).catch(
      () => undefined,
    );
  }
}

/** @returns why a program does not run here, or null when it does. */
export async function reasonMissing(command: string, ...args: readonly string[]): Promise<string | null> {
  try {
    await run(command, args);
    return null;
  } catch (error) {
    const { code, stderr } = error as { code?: unknown; stderr?: string };
    return code === 'ENOENT' ? 'it is not installed' : (stderr?.trim().split('\n')[0] ?? String(code));
  }
}
