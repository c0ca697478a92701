import { execFile } from 'node:child_process';
import { chmod, mkdir } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { ContainerSpec } from '../../native/index.ts';
import {
  type ContainerStage,
  openContainerStage,
  type Run,
  readLog,
  type SpecChanges,
} from '../native/container-stage.ts';
import { type Attacker, attackerSpec, hasNodeUsers } from './attackers.ts';

const run = promisify(execFile);

/** A node with attackers on it. */
export interface EscapeStage extends ContainerStage {
  /** Runs a script in a container as a manifest of this attacker gives it, in the attacker's own pod. */
  attack(attacker: Attacker, script: string, changes?: SpecChanges): Promise<Run>;
  /** The same container for a test that starts it itself, in a pod opened before. */
  attackSpec(attacker: Attacker, script: string, changes?: SpecChanges): ContainerSpec;
  openPod(attacker: Attacker): Promise<void>;
}

const PROGRAMS = fileURLToPath(new URL('./programs', import.meta.url));

/** Opens a stage whose layer has a world-writable `/tmp`. */
export async function openEscapeStage(): Promise<EscapeStage> {
  const stage = await openContainerStage();
  await mkdir(join(stage.layer, 'tmp'));
  await chmod(join(stage.layer, 'tmp'), 0o1777);
  const pods = new Map<Attacker, Promise<void>>();
  const openPod = (attacker: Attacker): Promise<void> => {
    const users = hasNodeUsers(attacker) ? 'host' : 'private';
    const opened = pods.get(attacker) ?? stage.sandbox({ id: podOf(attacker), users });
    pods.set(attacker, opened);
    return opened;
  };
  let count = 0;
  const attackSpec = (attacker: Attacker, script: string, changes: SpecChanges = {}): ContainerSpec => {
    const { config, limits } = attackerSpec(attacker);
    count += 1;
    return stage.spec(script, {
      sandboxId: podOf(attacker),
      name: `attack-${count}`,
      ...changes,
      process: { ...config.process, args: ['sh', '-c', script], cwd: '/tmp', ...changes.process },
      linux: { ...config.linux, ...changes.linux },
      limits: { ...limits, ...changes.limits },
    });
  };
  return {
    ...stage,
    openPod,
    attackSpec,
    attack: async (attacker, script, changes) => {
      await openPod(attacker);
      const spec = attackSpec(attacker, script, changes);
      await stage.backend.startContainer(spec);
      const exit = await stage.exited(spec.name);
      return { exit, stdout: await readLog(spec, 'stdout'), stderr: await readLog(spec, 'stderr') };
    },
  };
}

function podOf(attacker: Attacker): string {
  return `pod-${attacker.replace(' ', '-')}`;
}

/** Compiles C files of programs/ into one static program. */
export async function buildProgram(target: string, ...sources: readonly string[]): Promise<void> {
  const { stdout: architecture } = await run('gcc', ['-print-multiarch']);
  // musl brings no kernel headers; the distribution's are searched after musl's own.
  const headers = ['/usr/include', `/usr/include/${architecture.trim()}`].flatMap((path) => ['-idirafter', path]);
  const warnings = ['-std=gnu11', '-D_GNU_SOURCE', '-Wall', '-Wextra', '-Werror'];
  const files = sources.map((source) => join(PROGRAMS, source));
  await run('musl-gcc', [...warnings, '-O1', '-static', ...headers, '-o', target, ...files]);
}

/** Node has no name for it: the key is not there. */
const ENOKEY = 126;

/** @returns the name of an errno, such as `EPERM`; `done` for 0. */
export function resultName(errno: number): string {
  if (errno === 0) return 'done';
  return Object.entries({ ...constants.errno, ENOKEY }).find(([, value]) => value === errno)?.[0] ?? `errno ${errno}`;
}
