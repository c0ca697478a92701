import { digestOf } from './canonical-json.ts';
import { withoutDefaults } from './without-defaults.ts';
import type { Container, Workload } from './workload.ts';

/**
 * Names what a running pod was made from. It changes exactly when running pods must be replaced by new processes:
 * limits and the grace period are left out, for they are changed in place, and an image counts by its digest, so that
 * a tag that moved is a change and a pin added to the same image is none, whatever the pull policy. Fields that say
 * nothing count as absent, so that an agent that knows more fields restarts nothing of one that knew fewer.
 * @param imageDigests manifest digest of every image reference in the pod, resolved for this node.
 * @param envInputs for each container that takes variables from ConfigMaps or Secrets a digest of what it takes.
 * @returns `sha256:…`
 * @throws RangeError when an image of the pod has no digest; resolve all of them first.
 */
export function podIdentity(
  workload: Workload,
  imageDigests: Readonly<Record<string, string>>,
  envInputs: Readonly<Record<string, string>> = {},
): string {
  const { terminationGracePeriodSeconds: _grace, initContainers, containers, ...pod } = workload.pod;
  const identify = ({ resources: _resources, imagePullPolicy: _pull, image, ...container }: Container): unknown => ({
    ...container,
    image: digestFor(image, imageDigests),
    envInputs: Object.hasOwn(envInputs, container.name) ? envInputs[container.name] : null,
  });
  return digestOf(
    withoutDefaults({ ...pod, initContainers: initContainers.map(identify), containers: containers.map(identify) }),
  );
}

function digestFor(reference: string, imageDigests: Readonly<Record<string, string>>): string {
  const digest = Object.hasOwn(imageDigests, reference) ? imageDigests[reference] : undefined;
  if (digest === undefined) throw new RangeError(`image ${reference} was not resolved to a digest`);
  return digest;
}
