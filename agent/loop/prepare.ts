import { allContainers, digestOf, type LocatedWorkload, podIdentity, type StringMap } from '../../manifests/index.ts';
import type { ImageFacts, PolicyEngine, PolicyInput, Verdict } from '../../policies/index.ts';
import { toFailure } from '../execute/to-failure.ts';
import type { ImageSource, ResolvedImage } from '../images/image-source.ts';
import { inputsOf } from '../material/inputs.ts';
import type { Material } from '../material/material.ts';
import type { Failure } from '../reconcile/failure.ts';
import type { LastGood, Version } from '../reconcile/state.ts';
import type { Telemetry } from '../telemetry/index.ts';

/** What judging a workload needs. */
export interface PreparePorts {
  readonly images: Pick<ImageSource, 'resolve' | 'recall'>;
  readonly engine: Pick<PolicyEngine, 'evaluate'>;
  readonly telemetry: Telemetry;
  readonly node: { readonly name: string; readonly labels: StringMap };
  /** The node's key for digests of what comes from Secrets. */
  readonly inputKey: Uint8Array;
}

export type Prepared =
  | { readonly ok: true; readonly version: Version; readonly verdict: Verdict }
  | { readonly ok: false; readonly failure: Failure };

/**
 * Resolves a workload's images and asks the policies about exactly what would run.
 * @param material of the revision.
 */
export async function prepare(
  located: LocatedWorkload,
  { revision, material }: { readonly revision: string; readonly material: Material },
  ports: PreparePorts,
): Promise<Prepared> {
  const resolved = await resolveImages(located, revision, ports.images);
  if (!resolved.ok) return resolved;
  const digests = mapValues(resolved.images, (image) => image.facts.digest);
  const inputs = inputsOf(located.workload, material, ports.inputKey);
  const version: Version = {
    ...located,
    revision,
    inputs,
    identity: podIdentity(located.workload, digests, inputs.env),
    digest: digestOf(located.workload),
    images: mapValues(resolved.images, (image) => ({ digest: image.facts.digest, config: image.config })),
  };
  const facts = mapValues(resolved.images, (image) => image.facts);
  return { ok: true, version, verdict: await judge(version, facts, ports) };
}

/** Judges a version that ran well before, by the policies and the image signatures as they are now. */
export async function judgeAgain(version: Version, ports: PreparePorts): Promise<LastGood> {
  const facts: Record<string, ImageFacts> = {};
  for (const [reference, { digest }] of Object.entries(version.images)) {
    // A tag may have moved on meanwhile; what it led to then is what ran.
    const image = await ports.images.recall(reference, digest).catch(() => null);
    if (image !== null) facts[reference] = image.facts;
  }
  return { version, verdict: await judge(version, facts, ports) };
}

type Resolution =
  | { readonly ok: true; readonly images: Record<string, ResolvedImage> }
  | { readonly ok: false; readonly failure: Failure };

/** With `imagePullPolicy: Always` the registry is asked again once for each commit. */
async function resolveImages(
  { workload }: Pick<LocatedWorkload, 'workload'>,
  revision: string,
  images: Pick<ImageSource, 'resolve'>,
): Promise<Resolution> {
  const containers = allContainers(workload.pod);
  const references = [...new Set(containers.map((container) => container.image))];
  const isFresh = (reference: string): boolean =>
    containers.some(({ image, imagePullPolicy }) => image === reference && imagePullPolicy === 'Always');
  try {
    const resolved = await Promise.all(
      references.map((reference) =>
        isFresh(reference) ? images.resolve(reference, { onceFor: revision }) : images.resolve(reference),
      ),
    );
    return { ok: true, images: Object.fromEntries(resolved.map((image, index) => [references[index], image])) };
  } catch (error) {
    return { ok: false, failure: toFailure(error) };
  }
}

function judge(version: Version, images: Record<string, ImageFacts>, ports: PreparePorts): Promise<Verdict> {
  const { kind, namespace, name, labels, annotations, pod } = version.workload;
  const input: PolicyInput = {
    version: 'holdfast.dev/v1alpha1',
    workload: { kind, namespace, name, labels, annotations },
    pod,
    images,
    node: ports.node,
  };
  const { telemetry } = ports;
  return telemetry.span(
    'holdfast.policy.evaluate',
    { 'holdfast.workload.name': `${namespace}/${name}` },
    async (span) => {
      const started = performance.now();
      const verdict = await ports.engine.evaluate(input, version.origin);
      const attributes = { 'holdfast.policy.decision': verdict.decision };
      span.set(attributes);
      telemetry.add('holdfast.policy.evaluations', 1, attributes);
      telemetry.record('holdfast.policy.evaluation.duration', (performance.now() - started) / 1_000, attributes);
      return verdict;
    },
  );
}

function mapValues<A, B>(record: Readonly<Record<string, A>>, map: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
}
