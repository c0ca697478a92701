import { allContainers, type Container, isKnownAtStart } from '../../manifests/index.ts';
import type { ContainerBackend } from '../../native/index.ts';
import type { ImageSource } from '../images/image-source.ts';
import type { MaterialStore } from '../material/material-store.ts';
import { podFacts } from '../material/pod-facts.ts';
import { type ResolvedContainer, resolveContainer } from '../material/resolve-container.ts';
import { writeContainerLabels, writePodLabels } from '../observe/labels.ts';
import { limitsOf } from '../reconcile/limits.ts';
import type { Step, StepKind } from '../reconcile/plan.ts';
import type { PinnedImage, Version } from '../reconcile/state.ts';
import { checkProcess } from './check-process.ts';
import { openClaims } from './claims.ts';
import { containerConfig } from './container-config.ts';
import { resolveUser } from './image-user.ts';
import { readLayerFile } from './layer-file.ts';
import { logPath } from './log-path.ts';
import { type PodFileRoots, podPaths, preparePodFiles } from './pod-files.ts';
import { podNamespaces } from './pod-namespaces.ts';
import { removePod } from './remove-pod.ts';
import { sandboxNetwork } from './sandbox-network.ts';
import type { SeccompProfiles } from './seccomp-profiles.ts';
import { StepError } from './step-error.ts';
import { stopPod } from './stop-pod.ts';
import { sandboxVolumes } from './volume-mounts.ts';
import { hasPodFiles, writePodFiles } from './write-pod-files.ts';

/** What the steps work on. */
export interface ExecutorPorts {
  readonly backend: ContainerBackend;
  readonly images: ImageSource;
  readonly roots: PodFileRoots;
  /** Where `Localhost` seccomp profiles come from. */
  readonly profiles: SeccompProfiles;
  /** Of the node, by which OOM scores are weighed. */
  readonly memoryBytes: number;
  readonly nodeName: string;
  /** The node's key for digests of what comes from Secrets. */
  readonly inputKey: Uint8Array;
  readonly material: Pick<MaterialStore, 'at'>;
  readonly logs: { readonly dir: string; readonly maxBytes: number; readonly maxFiles: number };
}

/** Finds the version a step was planned from. */
export type VersionLookup = (identity: string, workload: string) => Version | undefined;

/** One executor for each kind of step: a kind without one does not compile. Each throws what its adapter throws. */
type StepExecutors = { readonly [Kind in StepKind]: (step: Extract<Step, { kind: Kind }>) => Promise<void> };

/** @returns a function that carries out one step and throws a coded error when it cannot. Every step is idempotent. */
export function createExecutor(ports: ExecutorPorts, versions: VersionLookup): (step: Step) => Promise<void> {
  const { backend, images } = ports;
  const versionOf = (step: { identity: string; workload: string }): Version => {
    const version = versions(step.identity, step.workload);
    if (!version) throw new StepError('unknown-version', `${step.workload} has no version ${step.identity} any more`);
    return version;
  };
  const executors: StepExecutors = {
    'pull-image': (step) => images.pull(step.digest),
    'create-network': (step) => backend.createNetwork(step.network),
    'create-pod': (step) => createPod(ports, step, versionOf(step)),
    'start-container': (step) => startContainer(ports, step, versionOf(step)),
    'reconnect-pod': (step) => backend.reconnectSandbox(step.pod),
    'write-files': async (step) => {
      const version = versionOf(step);
      await writePodFiles(ports, step.pod, version, await ports.material.at(version.revision));
    },
    'create-volume': (step) => openClaims(ports.roots.stateDir, ports.roots.quotas).create(step.claim),
    'remove-volume': (step) => openClaims(ports.roots.stateDir, ports.roots.quotas).remove(step.namespace, step.name),
    'update-limits': (step) => backend.updateLimits({ sandboxId: step.pod, name: step.container }, step.limits),
    'resume-container': (step) => backend.resumeContainer({ sandboxId: step.pod, name: step.container }),
    'stop-pod': (step) => stopPod(backend, step.pod, step.graceMs),
    'remove-pod': (step) => removePod(ports, step.pod),
    'remove-stranger': (step) => backend.removeStranger(step.id),
    'apply-traffic': (step) => backend.applyTraffic(step.rules),
    'remove-network': (step) => backend.removeNetwork(step.name),
  };
  return (step) => (executors[step.kind] as (step: Step) => Promise<void>)(step);
}

async function createPod(
  ports: ExecutorPorts,
  step: Extract<Step, { kind: 'create-pod' }>,
  version: Version,
): Promise<void> {
  const { backend, roots } = ports;
  const { pod } = version.workload;
  // First what may be refused: a pod without its files never starts.
  const material = hasPodFiles(version) ? await ports.material.at(version.revision) : null;
  await preparePodFiles(roots, step.pod, version.workload);
  await backend.createSandbox({
    id: step.pod,
    labels: writePodLabels({
      key: step.workload,
      replica: step.replica,
      identity: version.identity,
      revision: version.revision,
      graceMs: pod.terminationGracePeriodSeconds * 1_000,
    }),
    hostname: pod.hostname,
    network: sandboxNetwork(pod, step),
    users: pod.hostUsers ? 'host' : 'private',
    ...podNamespaces(pod),
    volumes: sandboxVolumes(pod),
  });
  if (material !== null) await writePodFiles(ports, step.pod, version, material);
}

async function startContainer(
  ports: ExecutorPorts,
  step: Extract<Step, { kind: 'start-container' }>,
  version: Version,
): Promise<void> {
  const { pod } = version.workload;
  const written = allContainers(pod).find((candidate) => candidate.name === step.container);
  const image = written && version.images[written.image];
  if (!written || !image) throw new StepError('unknown-version', `${step.workload} has no container ${step.container}`);
  const { container, secretVariables } = await resolved(ports, written, step.pod, version);
  const layers = await ports.images.layers(image.digest);
  const readFile = (path: string): Promise<string | null> => readLayerFile(layers, path);
  const user = await resolveUser(container, image.config.user, readFile, pod.hostUsers ? 'host' : 'private');
  const profile = await ports.profiles.of(container);
  const ground = { seccomp: profile?.seccomp ?? null, memoryBytes: ports.memoryBytes };
  const paths = podPaths(ports.roots, step.pod, version.workload);
  const config = containerConfig(pod, container, image.config, user, paths, ground);
  checkProcess(container, config.process);
  await ports.backend.startContainer({
    sandboxId: step.pod,
    name: step.container,
    labels: writeContainerLabels({
      restarts: step.restarts,
      crashes: step.crashes,
      image: image.digest,
      preStop: container.preStop,
      preStopSleepMs: container.preStopSleepSeconds === null ? null : container.preStopSleepSeconds * 1_000,
      seccomp: profile === null ? null : { path: profile.path, digest: profile.digest },
    }),
    config,
    ...(secretVariables.length === 0 ? {} : { secretVariables }),
    layers,
    limits: limitsOf(container),
    log: {
      path: logPath(ports.logs.dir, step.pod, step.container),
      maxBytes: ports.logs.maxBytes,
      maxFiles: ports.logs.maxFiles,
    },
    stopSignal: container.stopSignal ?? stopSignalOf(image),
    ...(container.postStart === null ? {} : { postStart: container.postStart }),
  });
}

/** The material is asked for only where something is taken from it: a lost one holds up no other container. */
async function resolved(
  ports: ExecutorPorts,
  container: Container,
  pod: string,
  { workload, revision }: Version,
): Promise<ResolvedContainer> {
  if (!isKnownAtStart(container)) return { container, secretVariables: [] };
  return resolveContainer(container, podFacts(workload, pod, ports.nodeName), await ports.material.at(revision));
}

function stopSignalOf(image: PinnedImage): string {
  return image.config.stopSignal === '' ? 'SIGTERM' : image.config.stopSignal;
}
