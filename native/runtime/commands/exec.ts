import { BackendError } from '../../errors.ts';
import { labelsToSet } from '../../labels/labels-to-set.ts';
import { checkMountPower } from '../config/check-config.ts';
import { readProcess } from '../config/read-config.ts';
import { type BundleProcess, bundleProcess } from '../config/schema.ts';
import { openGroup } from '../container/groups.ts';
import type { ContainerState } from '../container/state.ts';
import { execProcess } from '../launch/create-process.ts';
import { launchProcessOf } from '../launch/launch-process.ts';
import { expectStatus, type RuntimeContext } from '../runtime-context.ts';
import { terminalOf, warnOfClamped, writePid } from './create.ts';
import { forwardSignals } from './forward-signals.ts';

export interface ExecOptions {
  /** A file with a process as config.json has it; the container's own process is the pattern without one. */
  readonly processFile: string | undefined;
  readonly command: readonly string[];
  readonly cwd: string | undefined;
  readonly env: readonly string[];
  /** `uid[:gid]`. */
  readonly user: string | undefined;
  readonly additionalGids: readonly number[];
  readonly capabilities: readonly string[];
  readonly apparmorProfile: string | undefined;
  readonly selinuxLabel: string | undefined;
  readonly hasNoNewPrivileges: boolean;
  readonly hasTerminal: boolean;
  /** Comes back once the program runs. */
  readonly isLeft: boolean;
  readonly pidFile: string | undefined;
  readonly consoleSocket: string | undefined;
  readonly preservedCount: number;
  readonly isPausedIgnored: boolean;
}

/** Runs one more program in a container, confined as the container is. @returns its exit status, 0 for one that is left. */
export async function execInContainer(context: RuntimeContext, id: string, options: ExecOptions): Promise<number> {
  const paused = options.isPausedIgnored ? (['paused'] as const) : [];
  const container = await expectStatus(context, id, ['running', 'created', ...paused]);
  const { init } = container;
  if (init === null) throw new BackendError('internal', 'exec', `container ${JSON.stringify(id)} has no process`);
  const process = await processFor(container, options);
  const ending = options.isLeft ? ('left' as const) : ('awaited' as const);
  const terminal = terminalOf(process, options.consoleSocket, ending);
  const labels = await labelsToSet({ ...process, mountLabel: null });
  const group = await openGroup(container.cgroupPath);
  checkMountPower(process, container, group);
  const launch = {
    container: init,
    groupFiles: group.entryFiles(),
    process: launchProcessOf(process, container, labels),
    preservedCount: options.preservedCount,
    ...{ terminal, ending },
  };
  const started = await execProcess(launch, {
    shimPath: context.shimPath,
    scratchDir: context.store.directoryOf(id),
  });
  const stopForwarding = options.isLeft ? (): void => undefined : forwardSignals(started.process);
  warnOfClamped(context, started);
  if (options.pidFile !== undefined) await writePid(options.pidFile, started);
  const status = await started.ended;
  stopForwarding();
  return status;
}

async function processFor(container: ContainerState, options: ExecOptions): Promise<BundleProcess> {
  if (options.processFile !== undefined) {
    const process = await readProcess(options.processFile);
    // What confines the container confines this too, unless it is told otherwise.
    const { apparmorProfile = null, selinuxLabel = null } = container.process ?? {};
    return {
      ...process,
      apparmorProfile: process.apparmorProfile ?? apparmorProfile,
      selinuxLabel: process.selinuxLabel ?? selinuxLabel,
    };
  }
  if (options.command.length === 0) throw invalid('a command, or --process with a file, is needed');
  return changed(
    container.process ?? bundleProcess.parse({ args: ['none'], cwd: '/', user: { uid: 0, gid: 0 } }),
    options,
  );
}

function changed(own: BundleProcess, options: ExecOptions): BundleProcess {
  const added = (set: readonly string[] = []): string[] => [...new Set([...set, ...options.capabilities])];
  const sets = own.capabilities;
  return {
    ...own,
    args: [...options.command],
    env: [...own.env, ...options.env],
    cwd: options.cwd ?? own.cwd,
    terminal: options.hasTerminal,
    user: userOf(own, options),
    capabilities: {
      bounding: added(sets?.bounding),
      effective: added(sets?.effective),
      permitted: added(sets?.permitted),
      inheritable: sets?.inheritable ?? [],
      ambient: sets?.ambient ?? [],
    },
    noNewPrivileges: own.noNewPrivileges || options.hasNoNewPrivileges,
    apparmorProfile: options.apparmorProfile ?? own.apparmorProfile,
    selinuxLabel: options.selinuxLabel ?? own.selinuxLabel,
  };
}

/** Names are the image's business: an engine looks them up before it asks. */
function userOf({ user }: BundleProcess, { user: asked, additionalGids }: ExecOptions): BundleProcess['user'] {
  if (asked === undefined) return { ...user, additionalGids: [...user.additionalGids, ...additionalGids] };
  const [, uid, gid] = /^(\d{1,10})(?::(\d{1,10}))?$/.exec(asked) ?? [];
  if (uid === undefined) throw invalid(`--user ${JSON.stringify(asked)}: expected numbers, uid or uid:gid`);
  const parsed = bundleProcess.shape.user.safeParse({
    ...{ uid: Number(uid), gid: Number(gid ?? 0), umask: user.umask },
    additionalGids: [...additionalGids],
  });
  if (!parsed.success) throw invalid(`--user ${JSON.stringify(asked)}: expected ids below 4294967295`);
  return parsed.data;
}

function invalid(message: string): BackendError {
  return new BackendError('invalid-spec', 'exec', message);
}
