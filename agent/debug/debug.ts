import type { WorkloadKey } from '../../manifests/index.ts';
import type { ContainerBackend, ObservedSandbox } from '../../native/index.ts';
import { createExecutor, type ExecutorPorts } from '../execute/executor.ts';
import type { DesiredBoard } from '../loop/desired-board.ts';
import { type PreparePorts, prepare } from '../loop/prepare.ts';
import { DEBUG_LABEL, readPodLabels } from '../observe/labels.ts';
import type { Version } from '../reconcile/state.ts';
import { withDebugContainer } from './debug-container.ts';
import { DebugError, type Debugging, type DebugRequest } from './request.ts';

/** What attaching a container needs: all that starting one of a manifest does. */
export interface DebugPorts extends PreparePorts {
  readonly backend: ContainerBackend;
  readonly images: ExecutorPorts['images'];
  readonly execution: Omit<ExecutorPorts, 'backend' | 'images'>;
  readonly board: Pick<DesiredBoard, 'version' | 'imagePolicies'>;
}

/**
 * Attaches a container to a running pod, in its namespaces: resolved, verified and judged as part of the pod like one of
 * its manifest, and gone with the pod. Those that have ended are removed.
 * @throws DebugError, or what the images, the policies and the backend throw.
 */
export async function debugPod(ports: DebugPorts, request: DebugRequest): Promise<Debugging> {
  const { backend } = ports;
  const { sandbox, key, identity } = await findPod(backend, request.target);
  const version = ports.board.version(identity, key);
  if (version === undefined) {
    throw new DebugError('no-such-pod', `what pod ${sandbox.id} is made from is not known, or must not run`);
  }
  checkTarget(sandbox, request.processesOf);
  for (const { sandboxId, name } of endedAmong(sandbox)) await backend.removeContainer({ sandboxId, name });
  const name = freeName(sandbox, version);
  const judged = await judge(ports, version, { name, request });
  const image = judged.images[judged.workload.pod.containers.at(-1)?.image ?? ''];
  if (image) await ports.images.pull(image.digest);
  const execute = createExecutor(
    { ...ports.execution, images: ports.images, backend: marking(backend, request) },
    () => judged,
  );
  await execute({
    kind: 'start-container',
    ...{ workload: key, pod: sandbox.id, identity, container: name, restarts: 0, crashes: 0 },
    reason: 'asked for',
  });
  return { pod: sandbox.id, container: name };
}

interface Pod {
  readonly sandbox: ObservedSandbox;
  readonly key: WorkloadKey;
  readonly identity: string;
}

async function findPod(backend: ContainerBackend, target: string): Promise<Pod> {
  const wanted = target.includes('/') ? target : `default/${target}`;
  for (const sandbox of (await backend.observe()).sandboxes) {
    const labels = readPodLabels(sandbox.labels);
    if (labels === null || sandbox.state !== 'ready') continue;
    if (sandbox.id === target || labels.key === wanted) return { sandbox, key: labels.key, identity: labels.identity };
  }
  throw new DebugError('no-such-pod', `${target} has no running pod; see holdfast ps`);
}

function checkTarget({ id, containers }: ObservedSandbox, name: string | null): void {
  if (name === null || containers.some((each) => each.name === name && each.state !== 'exited')) return;
  const names = containers.filter(({ state }) => state !== 'exited').map((each) => each.name);
  throw new DebugError('no-such-pod', `${id} has no running container ${name}, but ${names.join(', ') || 'none'}`);
}

function endedAmong({ containers }: ObservedSandbox): ObservedSandbox['containers'] {
  return containers.filter(({ state, labels }) => state === 'exited' && labels[DEBUG_LABEL] !== undefined);
}

function freeName({ containers }: ObservedSandbox, { workload: { pod } }: Version): string {
  const taken = new Set([...containers, ...pod.initContainers, ...pod.containers].map(({ name }) => name));
  for (const ended of endedAmong({ containers } as ObservedSandbox)) taken.delete(ended.name);
  for (let n = 1; ; n += 1) if (!taken.has(`debug-${n}`)) return `debug-${n}`;
}

async function judge(
  ports: DebugPorts,
  version: Version,
  { name, request }: { readonly name: string; readonly request: DebugRequest },
): Promise<Version> {
  const { revision } = version;
  const material = await ports.execution.material.at(revision);
  const setting = { revision, material, imagePolicies: ports.board.imagePolicies() };
  const prepared = await prepare(withDebugContainer(version, name, request), setting, ports);
  if (!prepared.ok) throw Object.assign(new Error(prepared.failure.reason), { code: prepared.failure.code });
  const { verdict } = prepared;
  if (verdict.decision !== 'deny') return prepared.version;
  const said = verdict.findings.map((found) => `${found.policy}/${found.rule}: ${found.message}`);
  throw new DebugError('denied', `the policies deny it: ${said.join('; ')}`);
}

/** The planner has nothing to do with what a person attached. */
function marking(backend: ContainerBackend, { processesOf }: DebugRequest): ContainerBackend {
  return {
    ...backend,
    startContainer: (spec) =>
      backend.startContainer({
        ...spec,
        labels: { ...spec.labels, [DEBUG_LABEL]: 'true' },
        ...(processesOf === null ? {} : { processesOf }),
      }),
  };
}
