import { existsSync } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createCgroupDriver } from '../../../native/cgroup/driver.ts';
import { createContainer } from '../../../native/runtime/commands/create.ts';
import { deleteContainer } from '../../../native/runtime/commands/delete.ts';
import { execInContainer } from '../../../native/runtime/commands/exec.ts';
import { startContainer } from '../../../native/runtime/commands/start.ts';
import { createRuntimeContext } from '../../../native/runtime/runtime-context.ts';
import { createRuntimeLog } from '../../../native/runtime/runtime-log.ts';
import { until } from '../../contract/contract-stage.ts';
import { type BundleStage, type Config, openBundleStage } from '../../runtime/bundle-stage.ts';
import type { Attempt, Fault, Operations } from './attempt.ts';
import { attemptWith } from './attempt.ts';
import { buildInjector } from './injector.ts';
import { portraitOf } from './portrait.ts';

/** Runs the commands of the OCI runtime with one fault each in the shim they start. */
export interface BundleFaultStage {
  /** Creates a container, starts it, waits for its end and deletes it. */
  create(fault: Fault | null): Promise<Attempt>;
  /** Runs a program in a container that was made without faults, and waits for its end. */
  exec(fault: Fault | null): Promise<Attempt>;
  /** Starts a container that was created without faults, with a hook inside it. */
  hook(fault: Fault | null): Promise<Attempt>;
  close(): Promise<void>;
}

const ID = 'c';
const OPTIONS = { preservedCount: 0 } as const;
const EXEC = {
  ...{ processFile: undefined, command: ['sleep', '1000'], cwd: undefined, env: [], user: '1000:1000' },
  ...{ additionalGids: [7], capabilities: [], apparmorProfile: undefined, selinuxLabel: undefined },
  ...{ hasNoNewPrivileges: true, hasTerminal: false, isLeft: false, consoleSocket: undefined, preservedCount: 0 },
  isPausedIgnored: false,
};

/** Opens a stage on the kernel of this machine. @param change of the bundle's config.json. */
export async function openBundleFaultStage(
  change: (config: Config, stage: BundleStage) => void,
): Promise<BundleFaultStage> {
  const injector = await buildInjector();
  const stage = await openBundleStage();
  const { directory, bundle, cgroupPath } = stage;
  await stage.configure('', (config) => {
    config.process.args = ['sleep', '1000'];
    change(config, stage);
  });
  const logFile = join(directory, 'log');
  const log = createRuntimeLog({ path: logFile, format: 'text' });
  const portrait = async (pid: number): Promise<Readonly<Record<string, unknown>>> => ({
    ...(await portraitOf(pid)),
    ...(await clampedOf(logFile)),
  });
  /** What the log says is of this attempt. */
  const attempt: typeof attemptWith = async (...args) => {
    await rm(logFile, { force: true });
    return attemptWith(...args);
  };
  const context = createRuntimeContext(join(directory, 'run'), log, injector.shimPath);
  const cgroups = await createCgroupDriver({ root: cgroupPath });
  const traces = async (): Promise<readonly string[]> => [
    ...(await cgroups.list()).map((group) => `cgroup ${group}`),
    ...(await cgroups.pids('')).map((pid) => `process ${pid}`),
    ...(await readdir(context.root).catch((): string[] => [])).map((name) => `state of ${name}`),
    ...(await readFile('/proc/self/mountinfo', 'utf8')).split('\n').filter((line) => line.includes(directory)),
    `${(await readdir('/proc/self/fd')).length} descriptors`,
  ];
  const remove = (): Promise<void> => deleteContainer(context, ID, { isForced: true });
  const pidOfInit = async (): Promise<number> => (await context.store.load(ID)).init?.pid ?? 0;
  const common: Pick<Operations, 'traces' | 'remove' | 'isRemovedAnyway'> = { traces, remove, isRemovedAnyway: false };
  let ended: Promise<number> = Promise.resolve(0);
  let isThere = false;
  const withContainer = async (): Promise<void> => {
    await injector.arm(null);
    if (!isThere) await createContainer(context, ID, { bundle, ...OPTIONS });
    isThere = true;
  };
  const without = async (): Promise<void> => {
    if (isThere) await remove();
    isThere = false;
  };
  return {
    create: async (fault) => {
      await without();
      return attempt(injector, fault, {
        ...common,
        // What fails after the creation is deleted; what fails in it must leave nothing by itself.
        start: async () => {
          ({ ended } = await createContainer(context, ID, { bundle, ...OPTIONS }, 'awaited'));
          await startContainer(context, ID).catch(async (error) => {
            await remove();
            throw error;
          });
        },
        portrait: async () => portrait(await pidOfInit()),
        stop: async () => {
          process.kill(await pidOfInit(), 'SIGKILL');
          return ended;
        },
      });
    },
    exec: async (fault) => {
      await withContainer();
      const pidFile = join(directory, 'pid');
      return attempt(injector, fault, {
        ...common,
        start: async () => {
          ended = execInContainer(context, ID, { ...EXEC, pidFile });
          await Promise.race([ended, until(async () => existsSync(pidFile))]);
        },
        portrait: async () => portrait(Number(await readFile(pidFile, 'utf8'))),
        stop: async () => {
          process.kill(Number(await readFile(pidFile, 'utf8')), 'SIGKILL');
          return ended;
        },
        remove: () => rm(pidFile),
      });
    },
    hook: async (fault) => {
      await without();
      await withContainer();
      isThere = false;
      return attempt(injector, fault, {
        ...common,
        isRemovedAnyway: true,
        traces: async () => (await traces()).filter(isOfNoContainer),
        start: () => startContainer(context, ID),
        portrait: async () => portrait(await pidOfInit()),
        stop: async () => null,
      });
    },
    close: async () => {
      await without().catch(() => undefined);
      await stage.close();
      await injector.remove();
    },
  };
}

/** What the log says the kernel refused in full need not be as it was asked for. */
async function clampedOf(logFile: string): Promise<Readonly<Record<string, string>>> {
  const told = await readFile(logFile, 'utf8').catch(() => '');
  return {
    ...(told.includes('process.rlimits') ? { limits: 'clamped' } : {}),
    ...(told.includes('process.oomScoreAdj') ? { oomScore: 'clamped' } : {}),
  };
}

/** The container a hook belongs to is there before it, and gone afterwards. */
function isOfNoContainer(trace: string): boolean {
  return !/^(?:cgroup|process|state) /.test(trace);
}
