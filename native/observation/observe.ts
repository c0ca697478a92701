import type { Observation, ObservedSandbox, Stranger } from '../backend.ts';
import type { BackendContext } from '../context.ts';
import { type Inspection, inspectNetworks } from '../network/inspect.ts';
import { observeNetworks } from '../network/observe.ts';
import { addressesOf, portsOf } from '../network/place.ts';
import { guardsOf } from '../network/traffic-of.ts';
import { execGroupOf, groupOf, shimGroupOf } from '../records/layout.ts';
import { livingHolder } from '../sandbox/holder.ts';
import { observeContainer } from './observe-container.ts';

/** Joins the records with the kernel. A record that cannot be read speaks for nothing: its cgroup is a stranger. */
export async function observe(context: BackendContext): Promise<Observation> {
  const busyBefore = [...context.inFlight];
  const groups = await context.cgroups.list();
  const ids = await context.records.sandboxIds();
  const found = await Promise.all(ids.map((id) => observeSandbox(context, id)));
  const inspection = await inspectNetworks(context);
  const busy = new Set([...busyBefore, ...context.inFlight]);
  const isBusy = (path: string): boolean => busy.has(path) || busy.has(path.split('/', 1)[0] ?? '');
  const sandboxes = found
    .flatMap(({ sandbox }) => sandbox ?? [])
    .filter((sandbox) => !isBusy(sandbox.id))
    .map((sandbox) => ({
      ...sandbox,
      ...differencesOf(sandbox, inspection),
      containers: sandbox.containers.filter((container) => !isBusy(groupOf(container))),
    }));
  const unreadable = found.flatMap((each) => each.unreadable);
  const strangers = strangersAmong([...groups, ...unreadable], sandboxes).filter((path) => !isBusy(path));
  return {
    networks: await observeNetworks(context, inspection),
    traffic: context.records.traffic().rules,
    sandboxes,
    strangers: await Promise.all(strangers.map((path) => describe(context, path))),
  };
}

function differencesOf(
  { id, state }: ObservedSandbox,
  { sandboxes }: Inspection,
): Pick<ObservedSandbox, 'differences'> {
  const differences = state === 'dead' ? undefined : sandboxes.get(id);
  return differences === undefined ? {} : { differences };
}

interface SandboxFindings {
  readonly sandbox: ObservedSandbox | null;
  /** Paths, as of groups, of records that cannot be read. */
  readonly unreadable: readonly string[];
}

async function observeSandbox(context: BackendContext, id: string): Promise<SandboxFindings> {
  const found = await context.records.sandbox(id);
  if (found.state !== 'found') return { sandbox: null, unreadable: [id] };
  const holder = await livingHolder(context, found.record);
  if (holder !== null) context.liveness.track(id, holder);
  const names = await context.records.containerNames(id);
  const containers = await Promise.all(names.map((name) => observeContainer(context, { sandboxId: id, name })));
  const sandbox: ObservedSandbox = {
    id,
    labels: found.record.labels,
    state: holder === null ? 'dead' : 'ready',
    pid: holder?.pid ?? null,
    addresses: addressesOf(found.record),
    ports: portsOf(found.record),
    guards: guardsOf(found.record, context.records.traffic()),
    containers: containers.flatMap((each) => (each.state === 'found' ? [each.container] : [])),
  };
  const unreadable = containers.flatMap((each, i) => (each.state === 'invalid' ? [`${id}/${names[i]}`] : []));
  return { sandbox, unreadable };
}

/** @returns the topmost paths that neither a record nor what a container made below its own group accounts for. */
function strangersAmong(paths: readonly string[], sandboxes: readonly ObservedSandbox[]): readonly string[] {
  const shared = new Set(sandboxes.map(({ id }) => id));
  const owned = new Set(
    sandboxes.flatMap(({ id, containers }) => [shimGroupOf(id), execGroupOf(id), ...containers.map(groupOf)]),
  );
  const isOwned = (path: string): boolean => shared.has(path) || owned.has(path.split('/', 2).join('/'));
  const unknown = new Set(paths.filter((path) => !isOwned(path)));
  return [...unknown].filter((path) => !ancestorsOf(path).some((above) => unknown.has(above))).sort();
}

function ancestorsOf(path: string): readonly string[] {
  const parts = path.split('/');
  return parts.slice(1).map((_, i) => parts.slice(0, i + 1).join('/'));
}

async function describe(context: BackendContext, id: string): Promise<Stranger> {
  return { id, pids: await context.cgroups.pids(id) };
}
