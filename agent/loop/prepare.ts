import {
  allContainers,
  digestOf,
  type ImagePolicy,
  type LocatedWorkload,
  podIdentity,
  type StringMap,
} from '../../manifests/index.ts';
import { type PolicyEngine, type PolicyInput, type Verdict, withFindings } from '../../policies/index.ts';
import { toFailure } from '../execute/to-failure.ts';
import type { ImageSource, ResolvedImage } from '../images/image-source.ts';
import { inputsOf } from '../material/inputs.ts';
import type { Material } from '../material/material.ts';
import type { Failure } from '../reconcile/failure.ts';
import type { LastGood, Version } from '../reconcile/state.ts';
import type { Telemetry } from '../telemetry/index.ts';
import { imageFindings } from './image-findings.ts';

const HOUR_MS = 3_600_000;

/** What judging a workload needs. */
export interface PreparePorts {
  readonly images: Pick<ImageSource, 'resolve' | 'recall'>;
  readonly engine: Pick<PolicyEngine, 'evaluate'>;
  readonly telemetry: Telemetry;
  readonly node: { readonly name: string; readonly labels: StringMap };
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** The node's key for digests of what comes from Secrets. */
  readonly inputKey: Uint8Array;
}

export type Prepared =
  | { readonly ok: true; readonly version: Version; readonly verdict: Verdict }
  | { readonly ok: false; readonly failure: Failure };

/** What a workload is judged with. */
export interface Setting {
  readonly revision: string;
  /** Of the revision. */
  readonly material: Material;
  /** Of the newest revision, that hold on this node. */
  readonly imagePolicies: readonly ImagePolicy[];
}

/** Resolves a workload's images and asks the policies about exactly what would run. */
export async function prepare(
  located: LocatedWorkload,
  { revision, material, imagePolicies }: Setting,
  ports: PreparePorts,
): Promise<Prepared> {
  const resolved = await resolveImages(located, { revision, imagePolicies }, ports.images);
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
  return { ok: true, version, verdict: await judge(version, { images: resolved.images, imagePolicies }, ports) };
}

/** Judges a version that ran well before, by the policies and the image signatures as they are now. */
export async function judgeAgain(
  version: Version,
  imagePolicies: Setting['imagePolicies'],
  ports: PreparePorts,
): Promise<LastGood> {
  const images: Record<string, ResolvedImage> = {};
  for (const [reference, { digest }] of Object.entries(version.images)) {
    // A tag may have moved on meanwhile; what it led to then is what ran.
    const image = await ports.images.recall(reference, digest, { policies: imagePolicies }).catch(() => null);
    if (image !== null) images[reference] = image;
  }
  return { version, verdict: await judge(version, { images, imagePolicies }, ports) };
}

type Resolution =
  | { readonly ok: true; readonly images: Record<string, ResolvedImage> }
  | { readonly ok: false; readonly failure: Failure };

/** With `imagePullPolicy: Always` the registry is asked again once for each commit. */
async function resolveImages(
  { workload }: Pick<LocatedWorkload, 'workload'>,
  { revision, imagePolicies: policies }: Pick<Setting, 'revision' | 'imagePolicies'>,
  images: Pick<ImageSource, 'resolve'>,
): Promise<Resolution> {
  const containers = allContainers(workload.pod);
  const references = [...new Set(containers.map((container) => container.image))];
  const isFresh = (reference: string): boolean =>
    containers.some(({ image, imagePullPolicy }) => image === reference && imagePullPolicy === 'Always');
  try {
    const resolved = await Promise.all(
      references.map((reference) =>
        images.resolve(reference, isFresh(reference) ? { onceFor: revision, policies } : { policies }),
      ),
    );
    return { ok: true, images: Object.fromEntries(resolved.map((image, index) => [references[index], image])) };
  } catch (error) {
    return { ok: false, failure: toFailure(error) };
  }
}

interface Judged {
  /** By reference. One that is not known any more is missing. */
  readonly images: Readonly<Record<string, ResolvedImage>>;
  readonly imagePolicies: Setting['imagePolicies'];
}

function judge(version: Version, { images, imagePolicies }: Judged, ports: PreparePorts): Promise<Verdict> {
  const { kind, namespace, name, labels, annotations, pod } = version.workload;
  const input: PolicyInput = {
    version: 'holdfast.dev/v1alpha1',
    workload: { kind, namespace, name, labels, annotations },
    pod,
    images: mapValues(images, (image) => image.facts),
    now: Math.floor(ports.now() / HOUR_MS) * HOUR_MS * 1_000_000,
    node: ports.node,
  };
  const { telemetry } = ports;
  return telemetry.span(
    'holdfast.policy.evaluate',
    { 'holdfast.workload.name': `${namespace}/${name}` },
    async (span) => {
      const started = performance.now();
      const evidence = new Map(Object.entries(images).map(([reference, image]) => [reference, image.evidence]));
      const verdict = withFindings(
        await ports.engine.evaluate(input, version.origin),
        imageFindings(version, evidence, imagePolicies, ports.now()),
      );
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
