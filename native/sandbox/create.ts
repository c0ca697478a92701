import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { SandboxSpec } from '../backend.ts';
import { checkSandboxSpec } from '../container/check-spec.ts';
import type { BackendContext } from '../context.ts';
import type { SandboxLaunch } from '../launch/launch-spec.ts';
import { announceOnNetworks, attachToNetworks } from '../network/attach.ts';
import { placeOnNetworks } from '../network/place.ts';
import { cardSettings } from '../network/plug.ts';
import { sendSignal } from '../process/send-signal.ts';
import { shimGroupOf } from '../records/layout.ts';
import type { SandboxRecord } from '../records/records.ts';
import { livingHolder } from './holder.ts';
import { ID_COUNT } from './id-range.ts';
import { removeEverything } from './remove.ts';
import { sysctlsOf } from './sysctls.ts';
import { checkVolumes, launchVolumeOf } from './volumes.ts';

/** Makes a sandbox: the record, the cgroup, then the process that holds its namespaces. A dead one is made anew. */
export async function createSandbox(context: BackendContext, spec: SandboxSpec): Promise<void> {
  checkSandboxSpec(spec);
  checkVolumes(spec.volumes ?? []);
  await context.locks.run(spec.id, async () => {
    const found = await context.records.sandbox(spec.id);
    if (found.state === 'found' && (await livingHolder(context, found.record)) !== null) return;
    context.inFlight.add(spec.id);
    try {
      if (found.state !== 'absent' || hasRemains(context, spec.id)) await removeEverything(context, spec.id);
      await make(context, spec);
    } catch (error) {
      await removeEverything(context, spec.id).catch(() => undefined);
      throw error;
    } finally {
      context.inFlight.delete(spec.id);
    }
  });
}

/** What a crash left without a record: looking for it takes a tenth of the time that removing nothing does. */
function hasRemains({ cgroups, layout }: BackendContext, id: string): boolean {
  return cgroups.exists(id) || [join(layout.containersDir, id), layout.sandboxDir(id)].some((path) => existsSync(path));
}

async function make(context: BackendContext, spec: SandboxSpec): Promise<void> {
  const { cgroups, records, launcher } = context;
  const record = await context.locks.run('', () => reserve(context, spec));
  const group = shimGroupOf(spec.id);
  const launch: SandboxLaunch = {
    mode: 'sandbox',
    birthGroup: await cgroups.createBirthDirectory(group),
    shimGroupFiles: cgroups.unlimitedEntryFiles(group),
    users: spec.users,
    network: spec.network === 'host' ? 'host' : 'private',
    processes: spec.processes ?? 'own',
    ipc: spec.ipc ?? 'private',
    sysctls: [...sysctlsOf(spec), ...(typeof record.network === 'object' ? cardSettings(record.network) : [])],
    hostname: spec.hostname,
    idBase: record.idBase ?? 0,
    idCount: ID_COUNT,
    volumes: (spec.volumes ?? []).map((volume) => launchVolumeOf(volume, record.idBase ?? 0)),
  };
  const bridged = typeof record.network === 'object' ? { ...record, network: record.network } : null;
  // Guards, ports and names are there before the cards are, and are made while the shim starts.
  const announced = bridged === null ? Promise.resolve() : announceOnNetworks(context, bridged);
  announced.catch(() => undefined);
  const { started } = await launcher.start(launch, () => cgroups.createUnlimited(group));
  const { process } = await started;
  try {
    await announced;
    if (bridged !== null) await attachToNetworks(context, bridged, process);
    await records.saveSandbox({ ...record, holder: process });
  } catch (error) {
    sendSignal(process, SIGKILL);
    throw error;
  }
  context.liveness.track(spec.id, process);
}

const SIGKILL = 9;

/** Writes the record with an id range, addresses and ports no other record has. */
async function reserve(context: BackendContext, spec: SandboxSpec): Promise<SandboxRecord> {
  const record: SandboxRecord = {
    id: spec.id,
    labels: { ...spec.labels },
    hostname: spec.hostname,
    ...(spec.processes === undefined || spec.processes === 'own' ? {} : { processes: spec.processes }),
    ...(spec.ipc === 'host' ? { ipc: spec.ipc } : {}),
    network:
      typeof spec.network === 'object'
        ? placeOnNetworks(spec.network, {
            networks: await context.records.networks(),
            others: await context.records.sandboxes(),
            traffic: context.records.traffic(),
          })
        : spec.network,
    idBase: spec.users === 'private' ? context.ids.claim(spec.id) : null,
    bootId: context.bootId,
    holder: null,
    logPaths: [],
  };
  await context.records.saveSandbox(record);
  return record;
}
