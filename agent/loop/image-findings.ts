import { type ImagePolicy, locate, parseImageReference } from '../../manifests/index.ts';
import type { Finding } from '../../policies/index.ts';
import type { VerifiedEvidence } from '../images/evidence.ts';
import { unmetDemands } from '../images/index.ts';
import type { Version } from '../reconcile/state.ts';

/** Under this name the findings of ImagePolicies stand beside those of the Rego packs. */
export const IMAGE_POLICY = 'image-policy';

const NOTHING: VerifiedEvidence = { signatures: [], attestations: [], rejected: [] };

/**
 * Holds a version's images to the ImagePolicies of the newest commit.
 * @param evidence what vouches for each reference; nobody does for one that is not there.
 * @param now milliseconds since the epoch.
 * @returns a finding for each container and thing that its image lacks.
 */
export function imageFindings(
  { workload, origin }: Pick<Version, 'workload' | 'origin'>,
  evidence: ReadonlyMap<string, VerifiedEvidence>,
  policies: readonly ImagePolicy[],
  now: number,
): readonly Finding[] {
  const { initContainers, containers } = workload.pod;
  return Object.entries({ initContainers, containers }).flatMap(([list, each]) =>
    each.flatMap(({ image }, index) => {
      const known = { repository: repositoryOf(image), evidence: evidence.get(image) ?? NOTHING };
      return unmetDemands(policies, known, now).map(
        ({ rule, message }): Finding => ({
          ...{ policy: IMAGE_POLICY, rule, severity: 'deny', message },
          ...locate(origin, `${list}[${index}].image`),
        }),
      );
    }),
  );
}

/** A reference that the manifests have let through can be read. */
function repositoryOf(image: string): string {
  const parsed = parseImageReference(image);
  return typeof parsed === 'string' ? image : `${parsed.registry}/${parsed.repository}`;
}
