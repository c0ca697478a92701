import type { ContainerRef, ExecSession, ExecSpec } from '../backend.ts';
import { capabilityBits } from '../container/capabilities.ts';
import { rlimitsOf } from '../container/rlimits.ts';
import { type RunningRecord, runningRecord } from '../container/running-record.ts';
import type { BackendContext } from '../context.ts';
import { BackendError } from '../errors.ts';
import type { ExecLaunch } from '../launch/launch-spec.ts';
import { execGroupOf, groupOf } from '../records/layout.ts';
import type { ProcessProfile } from '../records/process-profile.ts';
import type { SandboxRecord } from '../records/records.ts';
import { checkExecSpec } from './check-exec-spec.ts';
import { heldVariables } from './held-variables.ts';
import { createSession } from './session.ts';

const STAGE = 'exec';

/** Runs a program in a running container, confined as the container's own is. Resolves once it is exec'd. */
export async function execContainer(context: BackendContext, ref: ContainerRef, spec: ExecSpec): Promise<ExecSession> {
  return context.locks.run(ref.sandboxId, () => execContainerLocked(context, ref, spec));
}

/** The same within the sandbox's lock. */
export async function execContainerLocked(
  context: BackendContext,
  ref: ContainerRef,
  spec: ExecSpec,
): Promise<ExecSession> {
  const record = await runningRecord(context, ref, STAGE);
  const { sandbox, profile } = await findProfile(context, ref);
  checkExecSpec(spec, sandbox.idBase === null ? 'host' : 'private');
  if (await context.cgroups.isFrozen(groupOf(ref))) {
    throw new BackendError('paused', STAGE, `container ${groupOf(ref)} is paused: resume it first`);
  }
  await context.cgroups.createUnlimited(execGroupOf(ref.sandboxId));
  const held = await heldVariables(record.running.init.pid, profile.heldVariables);
  const { report, session } = await context.launcher.open(launchOf(context, { spec, record, sandbox, profile, held }));
  return createSession(session, report);
}

async function findProfile(
  { records }: BackendContext,
  ref: ContainerRef,
): Promise<{ readonly sandbox: SandboxRecord; readonly profile: ProcessProfile }> {
  const [sandbox, profile] = await Promise.all([records.sandbox(ref.sandboxId), records.profile(ref)]);
  if (sandbox.state === 'found' && profile.state === 'found')
    return { sandbox: sandbox.record, profile: profile.record };
  throw new BackendError(
    'unsupported',
    STAGE,
    `how container ${groupOf(ref)} is confined is not on record: start it anew to run programs in it`,
  );
}

interface Ground {
  readonly spec: ExecSpec;
  readonly record: RunningRecord;
  readonly sandbox: SandboxRecord;
  readonly profile: ProcessProfile;
  /** Variables of the container that are not on record. */
  readonly held: readonly string[];
}

function launchOf({ cgroups }: BackendContext, { spec, record, sandbox, profile, held }: Ground): ExecLaunch {
  const user = { ...profile.user, ...spec.user };
  const idBase = sandbox.idBase ?? 0;
  return {
    mode: 'exec',
    birthGroup: cgroups.birthDirectory(execGroupOf(record.sandboxId)),
    shimGroupFiles: cgroups.unlimitedEntryFiles(execGroupOf(record.sandboxId)),
    users: sandbox.idBase === null ? 'host' : 'private',
    network: sandbox.network === 'host' ? 'host' : 'private',
    processes: sandbox.processes ?? 'own',
    ipc: sandbox.ipc ?? 'private',
    container: record.running.init,
    groupFiles: cgroups.entryFiles(groupOf(record)),
    args: spec.args,
    env: environment([...profile.env, ...held], spec),
    cwd: spec.cwd ?? profile.cwd,
    user,
    capabilities: capabilityBits(profile.capabilities),
    oomScoreAdj: profile.oomScoreAdj,
    rlimits: rlimitsOf(profile),
    seccompFilter: Buffer.from(profile.seccompFilter, 'base64'),
    streamOwner: { uid: idBase + user.uid, gid: idBase + user.gid },
    hasNoNewPrivileges: profile.noNewPrivileges,
    apparmorProfile: profile.apparmorProfile,
    selinuxLabel: profile.selinuxLabel,
    terminal: spec.terminal ?? null,
  };
}

/** The container's own variables, overlaid by those asked for. A program on a terminal has to know of which kind it is. */
function environment(own: readonly string[], { env = [], terminal }: ExecSpec): readonly string[] {
  const variables = new Map<string, string>(terminal == null ? [] : [['TERM', 'TERM=xterm']]);
  for (const entry of [...own, ...env]) variables.set(entry.slice(0, entry.indexOf('=')), entry);
  return [...variables.values()];
}
