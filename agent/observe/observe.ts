import {
  type ContainerBackend,
  canonicalLimits,
  type ObservedContainer,
  type ObservedSandbox,
} from '../../native/index.ts';
import type { ImageSource } from '../images/image-source.ts';
import type { ObservedPod, ObservedState, PodContainer } from '../reconcile/state.ts';
import { DEBUG_LABEL, readContainerLabels, readPodLabels } from './labels.ts';

/** What the files of the node's profiles say now. */
export interface ProfileDigests {
  digest(path: string): Promise<string | null>;
}

/** For a look that is for no comparison. */
const NO_PROFILES: ProfileDigests = { digest: async () => null };

/** Looks at the volumes of a living pod. Never rejects: what cannot be looked at is told when it is written. */
export type InspectVolumes = (pod: ObservedPod) => Promise<Pick<ObservedPod, 'staleFiles' | 'overLimits'>>;

/**
 * Reads the node: pods, limits and strangers from the kernel, and which of the given images are complete on disk.
 * @param digests images the desired state needs.
 * @param profiles what the containers' profiles are held against.
 * @param inspect looks at the volumes that pods were given.
 */
export async function observe(
  backend: ContainerBackend,
  images: Pick<ImageSource, 'isPresent'>,
  digests: ReadonlySet<string>,
  profiles: ProfileDigests = NO_PROFILES,
  inspect: InspectVolumes = async () => ({}),
): Promise<ObservedState> {
  const [observation, present] = await Promise.all([backend.observe(), presentImages(images, digests)]);
  const now = await digestsNow(observation.sandboxes, profiles);
  const pods = await Promise.all(
    observation.sandboxes.map(async (sandbox) => {
      const pod = toPod(sandbox, now);
      if (pod === null || pod.state === 'dead') return pod;
      return { ...pod, ...(await inspect(pod)) };
    }),
  );
  return {
    pods: pods.filter((pod) => pod !== null),
    unlabelled: observation.sandboxes.filter((_, index) => pods[index] === null).map((sandbox) => sandbox.id),
    strangers: observation.strangers,
    networks: observation.networks,
    traffic: observation.traffic,
    images: present,
  };
}

async function presentImages(
  images: Pick<ImageSource, 'isPresent'>,
  digests: ReadonlySet<string>,
): Promise<ReadonlySet<string>> {
  const checked = await Promise.all(
    [...digests].map(async (digest) => ((await images.isPresent(digest)) ? [digest] : [])),
  );
  return new Set(checked.flat());
}

/** Each profile that containers were started with is looked at once. */
async function digestsNow(sandboxes: readonly ObservedSandbox[], profiles: ProfileDigests): Promise<DigestsNow> {
  const labels = sandboxes.flatMap(({ containers }) => containers.map((each) => readContainerLabels(each.labels)));
  const paths = new Set(labels.flatMap(({ seccomp }) => seccomp?.path ?? []));
  return new Map(await Promise.all([...paths].map(async (path) => [path, await profiles.digest(path)] as const)));
}

type DigestsNow = ReadonlyMap<string, string | null>;

function toPod(sandbox: ObservedSandbox, now: DigestsNow): ObservedPod | null {
  const labels = readPodLabels(sandbox.labels);
  if (labels === null) return null;
  const { key, replica, identity, graceMs } = labels;
  const isDebug = ({ labels: own }: ObservedContainer): boolean => own[DEBUG_LABEL] !== undefined;
  const ended = sandbox.containers.filter((each) => isDebug(each) && each.state === 'exited');
  return {
    id: sandbox.id,
    key,
    replica,
    identity,
    graceMs,
    state: sandbox.state,
    addresses: sandbox.addresses,
    ports: sandbox.ports,
    guards: sandbox.guards,
    ...(sandbox.differences === undefined ? {} : { differences: sandbox.differences }),
    ...(ended.length === 0 ? {} : { endedDebug: ended.map(({ name }) => name) }),
    // What a person attached is not of the workload: it neither serves nor keeps it from ending.
    containers: sandbox.containers.filter((each) => !isDebug(each)).map((container) => toContainer(container, now)),
  };
}

function toContainer(container: ObservedContainer, now: DigestsNow): PodContainer {
  const { restarts, crashes, seccomp: profile } = readContainerLabels(container.labels);
  const { name, state, pid, startedAt, exit, clamped, applied, kernel } = container;
  const expected = canonicalLimits(applied);
  const seccomp = profile && { path: profile.path, started: profile.digest, now: now.get(profile.path) ?? null };
  return { name, state, pid, startedAt, exit, clamped, applied, expected, kernel, restarts, crashes, seccomp };
}
