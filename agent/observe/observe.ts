import {
  type ContainerBackend,
  canonicalLimits,
  type ObservedContainer,
  type ObservedSandbox,
} from '../../native/index.ts';
import type { ImageSource } from '../images/image-source.ts';
import type { ObservedPod, ObservedState, PodContainer } from '../reconcile/state.ts';
import { readContainerLabels, readPodLabels } from './labels.ts';

/**
 * Reads the node: pods, limits and strangers from the kernel, and which of the given images are complete on disk.
 * @param digests images the desired state needs.
 */
export async function observe(
  backend: ContainerBackend,
  images: Pick<ImageSource, 'isPresent'>,
  digests: ReadonlySet<string>,
): Promise<ObservedState> {
  const [observation, present] = await Promise.all([backend.observe(), presentImages(images, digests)]);
  const pods = observation.sandboxes.map(toPod);
  return {
    pods: pods.filter((pod) => pod !== null),
    unlabelled: observation.sandboxes.filter((_, index) => pods[index] === null).map((sandbox) => sandbox.id),
    strangers: observation.strangers,
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

function toPod(sandbox: ObservedSandbox): ObservedPod | null {
  const labels = readPodLabels(sandbox.labels);
  if (labels === null) return null;
  const { key, replica, identity, graceMs } = labels;
  return {
    id: sandbox.id,
    key,
    replica,
    identity,
    graceMs,
    state: sandbox.state,
    containers: sandbox.containers.map(toContainer),
  };
}

function toContainer(container: ObservedContainer): PodContainer {
  const { restarts, crashes } = readContainerLabels(container.labels);
  const { name, state, pid, startedAt, exit, clamped, applied, kernel } = container;
  const expected = canonicalLimits(applied);
  return { name, state, pid, startedAt, exit, clamped, applied, expected, kernel, restarts, crashes };
}
