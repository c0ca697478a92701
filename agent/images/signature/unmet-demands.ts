import type { ImagePolicy, RequiredAttestation } from '../../../manifests/index.ts';
import type { RejectedEvidence, Signer, VerifiedEvidence } from '../evidence.ts';
import { attestedAt } from './attestation-time.ts';
import { authorityName } from './authority.ts';
import { policiesFor } from './policies-for.ts';

/** What an image lacks. */
export type UnmetRule =
  /** There are policies, and none is for its repository. */
  | 'no-image-policy'
  /** Fewer have signed than must. */
  | 'image-not-signed'
  /** Fewer have made an attestation than must. */
  | 'attestation-missing'
  /** All there are have become too old, or do not say when they were made. */
  | 'attestation-too-old';

export interface Unmet {
  readonly rule: UnmetRule;
  /** Name of the policy; null when none is for the image. */
  readonly policy: string | null;
  /** For a person: what is wanted, what there is, and why the rest does not count. */
  readonly message: string;
}

/** As many reasons are told; a registry may hold any number of signatures. */
const MOST_REASONS = 4;
const HOUR_MS = 3_600_000;

/**
 * Holds what vouches for an image to the policies that hold on this node.
 * @param image its `registry/repository`, and what vouches for it.
 * @param now milliseconds since the epoch.
 * @returns what it lacks; nothing when it may run, or when there are no policies at all.
 */
export function unmetDemands(
  policies: readonly ImagePolicy[],
  image: { readonly repository: string; readonly evidence: VerifiedEvidence },
  now: number,
): readonly Unmet[] {
  if (policies.length === 0) return [];
  const holding = policiesFor(policies, image.repository);
  if (holding.length === 0) {
    const message = `No ImagePolicy is for ${image.repository}, and there are ImagePolicies: only what one is for may run.`;
    return [{ rule: 'no-image-policy', policy: null, message }];
  }
  return holding.flatMap((policy) => (policy.acceptsUnsigned ? [] : lackOf(policy, image.evidence, now)));
}

function lackOf(policy: ImagePolicy, evidence: VerifiedEvidence, now: number): readonly Unmet[] {
  const names = policy.authorities.map(({ name }) => name);
  const signers = distinct(evidence.signatures, policy, names);
  const unsigned: Unmet = {
    rule: 'image-not-signed',
    policy: policy.name,
    message: `ImagePolicy ${policy.name} wants ${count(policy.threshold, 'signer')} of ${names.join(', ')}; ${there(signers.size)}.${reasons(evidence.rejected)}`,
  };
  return [
    ...(signers.size < policy.threshold ? [unsigned] : []),
    ...policy.attestations.flatMap((wanted) => attestationLack(policy, wanted, evidence, now)),
  ];
}

function attestationLack(
  policy: ImagePolicy,
  { predicateType, authorities, threshold, maxAgeHours }: RequiredAttestation,
  { attestations, rejected }: VerifiedEvidence,
  now: number,
): readonly Unmet[] {
  const made = attestations.filter((attestation) => attestation.predicateType === predicateType);
  const fresh = made.filter((attestation) => {
    if (maxAgeHours === null) return true;
    const time = attestedAt(attestation);
    return time !== null && now - time <= maxAgeHours * HOUR_MS;
  });
  const signersOf = (some: typeof made): ReadonlySet<string> =>
    distinct(
      some.flatMap(({ signers }) => signers),
      policy,
      authorities,
    );
  if (signersOf(fresh).size >= threshold) return [];
  const demand = `ImagePolicy ${policy.name} wants an attestation ${predicateType} by ${count(threshold, 'signer')} of ${authorities.join(', ')}`;
  if (signersOf(made).size < threshold) {
    const message = `${demand}; ${there(signersOf(made).size)}.${reasons(rejected)}`;
    return [{ rule: 'attestation-missing', policy: policy.name, message }];
  }
  const message = `${demand}, not older than ${count(maxAgeHours ?? 0, 'hour')}; those there are older or do not say when they were made.`;
  return [{ rule: 'attestation-too-old', policy: policy.name, message }];
}

/** One who signed twice, or in the name of two authorities, is one signer. */
function distinct(signers: readonly Signer[], policy: ImagePolicy, names: readonly string[]): ReadonlySet<string> {
  const counted = new Set(names.map((name) => authorityName(policy, name)));
  return new Set(
    signers.filter(({ authority }) => counted.has(authority)).map(({ kind, signer }) => `${kind} ${signer}`),
  );
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}

function there(number: number): string {
  return number === 0 ? 'there is none' : `there ${number === 1 ? 'is' : 'are'} ${number}`;
}

function reasons(rejected: readonly RejectedEvidence[]): string {
  if (rejected.length === 0) return '';
  const told = rejected.slice(0, MOST_REASONS).map(({ code, detail }) => `${code} (${detail})`);
  const rest = rejected.length > MOST_REASONS ? `, and ${rejected.length - MOST_REASONS} more` : '';
  return ` Found and refused: ${told.join('; ')}${rest}.`;
}
