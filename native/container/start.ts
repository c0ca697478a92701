import { existsSync } from 'node:fs';
import type { ClampedSetting, ContainerRef, ContainerSpec } from '../backend.ts';
import type { BackendContext } from '../context.ts';
import { BackendError } from '../errors.ts';
import { runPostStart } from '../exec/post-start.ts';
import type { ContainerLaunch } from '../launch/launch-spec.ts';
import type { ShimReport } from '../launch/report.ts';
import { NO_LIMITS } from '../limits.ts';
import { withHostsFile } from '../network/hosts-files.ts';
import type { ProcessId } from '../process/process-id.ts';
import { signalNumber } from '../process/signals.ts';
import { groupOf } from '../records/layout.ts';
import { profileOf } from '../records/process-profile.ts';
import type { ContainerRecord, SandboxRecord } from '../records/records.ts';
import { livingHolder } from '../sandbox/holder.ts';
import { checkContainerSpec, checkRef } from './check-spec.ts';
import { isContainerAlive } from './is-alive.ts';
import { launchOf } from './launch-of.ts';
import { removeContainerLocked } from './remove.ts';
import { runningRecord } from './running-record.ts';
import { weighPod } from './weigh-pod.ts';

/** Starts a container in its sandbox; one that runs is left alone, a finished one is replaced. */
export async function startContainer(context: BackendContext, spec: ContainerSpec): Promise<void> {
  checkRef(spec);
  await context.locks.run(spec.sandboxId, async () => {
    const { sandbox, holder } = await readySandbox(context, spec.sandboxId);
    checkContainerSpec(spec, sandbox.idBase === null ? 'host' : 'private');
    signalNumber(spec.stopSignal);
    const previous = await context.records.container(spec);
    if (previous.state === 'found' && (await isContainerAlive(context, previous.record))) return;
    const group = groupOf(spec);
    context.inFlight.add(group);
    try {
      if (previous.state !== 'absent' || hasRemains(context, spec)) await removeContainerLocked(context, spec);
      const attempt = previous.state === 'found' ? previous.record.attempt + 1 : 1;
      await start(context, { spec, sandbox, holder, attempt });
    } catch (error) {
      await removeContainerLocked(context, spec).catch(() => undefined);
      throw error;
    } finally {
      context.inFlight.delete(group);
    }
  });
}

/** What a crash left without a record: looking for it takes a tenth of the time that removing nothing does. */
function hasRemains({ cgroups, layout }: BackendContext, ref: ContainerRef): boolean {
  return cgroups.exists(groupOf(ref)) || existsSync(layout.rootsOf(ref));
}

async function readySandbox(
  context: BackendContext,
  id: string,
): Promise<{ readonly sandbox: SandboxRecord; readonly holder: ProcessId }> {
  const found = await context.records.sandbox(id);
  const holder = found.state === 'found' ? await livingHolder(context, found.record) : null;
  if (found.state === 'found' && holder !== null) return { sandbox: found.record, holder };
  throw new BackendError('not-found', 'find sandbox', `sandbox ${id} does not exist or is dead: create it first`);
}

interface Start {
  readonly spec: ContainerSpec;
  readonly sandbox: SandboxRecord;
  readonly holder: ProcessId;
  readonly attempt: number;
}

/**
 * The shim makes the container's mounts while its record and its cgroups are made here, and waits for them before it starts
 * any of it. So whatever runs has a record; a crash before that leaves a shim that ends by itself, and directories that
 * the next start or the removal of the sandbox takes away.
 */
async function start(context: BackendContext, { spec, sandbox, holder, attempt }: Start): Promise<void> {
  const { cgroups, layout, records } = context;
  const record = newRecord(context, spec, attempt);
  const rootDir = layout.rootDir(spec, attempt);
  const exitPath = layout.exitFile(spec, attempt);
  const target = await targetOf(context, spec);
  const ground = { cgroups, sandbox, holder, target, rootDir, exitPath };
  const launch = await launchOf(withHostsFile(layout, sandbox, spec), ground);
  const { ground: made, started: report } = await context.launcher.start(launch, async () => {
    await records.saveContainer(record);
    await noteLog(context, sandbox, spec.log.path);
    const clamped = await cgroups.create(groupOf(spec), spec.limits);
    return { clamped, oomKillsBefore: await cgroups.oomKills(groupOf(spec)) };
  });
  const { oomKillsBefore } = made;
  const reported = await withWhatItDoesNotNeed(context, { spec, launch, report });
  const started = { ...record, oomKillsBefore, ...startedFacts(reported, made.clamped) };
  const { postStart } = spec;
  await records.saveContainer(postStart === undefined ? started : { ...started, isStarting: true });
  context.liveness.track(groupOf(spec), reported.process);
  if (postStart === undefined) return;
  await runPostStart(context, spec, postStart);
  await records.saveContainer(started);
}

/**
 * What the shim does not need is done while it works: the profile is written, for nobody reads it before the record says
 * that the container runs, and the pod is weighed against its neighbours, which limits nothing.
 */
async function withWhatItDoesNotNeed(context: BackendContext, { spec, launch, report }: Launched): Promise<ShimReport> {
  const [launched, ...others] = await Promise.allSettled([
    report,
    context.records.saveProfile(spec, profileOf(spec.config.process, launch, spec.secretVariables)),
    weighPod(context, { ref: spec, limits: spec.limits, before: NO_LIMITS }),
  ]);
  for (const each of others) if (each.status === 'rejected') throw each.reason;
  if (launched.status === 'rejected') throw launched.reason;
  return launched.value;
}

interface Launched {
  readonly spec: ContainerSpec;
  readonly launch: ContainerLaunch;
  readonly report: Promise<ShimReport>;
}

/** @returns the init of the container whose processes are to be shared, or null for none. */
async function targetOf(context: BackendContext, spec: ContainerSpec): Promise<ProcessId | null> {
  if (spec.processesOf === undefined) return null;
  const target = { sandboxId: spec.sandboxId, name: spec.processesOf };
  return (await runningRecord(context, target, 'share processes')).running.init;
}

function newRecord(context: BackendContext, spec: ContainerSpec, attempt: number): ContainerRecord {
  return {
    sandboxId: spec.sandboxId,
    name: spec.name,
    labels: { ...spec.labels },
    attempt,
    bootId: context.bootId,
    running: null,
    startedAt: Date.now(),
    stopSignal: spec.stopSignal,
    applied: spec.limits,
    oomKillsBefore: 0,
    clamped: [],
  };
}

function startedFacts(
  report: ShimReport,
  clamped: readonly ClampedSetting[],
): Pick<ContainerRecord, 'running' | 'startedAt' | 'clamped'> {
  return {
    running: { init: report.process, shim: report.shim },
    startedAt: report.startedAt,
    clamped: [...report.clamped, ...clamped],
  };
}

/** Remembers the log with the sandbox, with which it goes, before there is one. */
async function noteLog(context: BackendContext, sandbox: SandboxRecord, path: string): Promise<void> {
  if (sandbox.logPaths.includes(path)) return;
  await context.records.saveSandbox({ ...sandbox, logPaths: [...sandbox.logPaths, path] });
}
