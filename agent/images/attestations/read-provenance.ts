import * as z from 'zod';
import type { AttestationContent, MaterialFacts, SourceFacts } from '../../../policies/index.ts';
import { entries, longText, MOST } from './bounds.ts';
import { optionalInstant } from './instant.ts';
import { sourceOf } from './source-of.ts';

const digestSet = z.record(z.string().max(64), z.string().max(256)).refine((set) => Object.keys(set).length <= 16, {
  error: 'more than 16 digests',
});

/** An artifact or a repository (in-toto ResourceDescriptor; SLSA v0.2 calls it a material). */
const resource = z.object({
  uri: longText.nullish().transform((value) => value ?? ''),
  digest: digestSet.nullish().transform((value) => value ?? {}),
});

const provenanceV02 = z.object({
  builder: z.object({ id: longText.min(1) }),
  buildType: longText.min(1),
  invocation: z.object({ configSource: resource.nullish() }).nullish(),
  materials: entries,
  metadata: z.object({ buildFinishedOn: optionalInstant }).nullish(),
});

const provenanceV1 = z.object({
  buildDefinition: z.object({
    buildType: longText.min(1),
    externalParameters: z
      .object({
        workflow: z.object({ repository: longText, ref: longText.optional() }).optional().catch(undefined),
      })
      .optional(),
    resolvedDependencies: entries,
  }),
  runDetails: z.object({
    builder: z.object({ id: longText.min(1) }),
    metadata: z.object({ finishedOn: optionalInstant }).nullish(),
  }),
});

/** Reads SLSA provenance v0.2 (slsa.dev/provenance/v0.2). @throws ZodError */
export function readProvenanceV02(predicate: unknown): AttestationContent {
  const { builder, buildType, invocation, materials, metadata } = provenanceV02.parse(predicate);
  const inputs = materialsOf(materials);
  const configured = invocation?.configSource ? sourceOf(invocation.configSource) : null;
  return {
    kind: 'provenance',
    provenance: {
      format: 'slsa-v0.2',
      builderId: builder.id,
      buildType,
      source: configured ?? firstSource(inputs),
      ...bounded(inputs),
      finishedNs: metadata?.buildFinishedOn ?? null,
    },
  };
}

/**
 * Reads SLSA provenance v1 (slsa.dev/spec/v1.0/provenance). The source is the workflow's repository where GitHub's build
 * types name one, else the first dependency that is a Git repository.
 * @throws ZodError
 */
export function readProvenanceV1(predicate: unknown): AttestationContent {
  const { buildDefinition, runDetails } = provenanceV1.parse(predicate);
  const { buildType, externalParameters, resolvedDependencies } = buildDefinition;
  const inputs = materialsOf(resolvedDependencies);
  const workflow = externalParameters?.workflow;
  return {
    kind: 'provenance',
    provenance: {
      format: 'slsa-v1',
      builderId: runDetails.builder.id,
      buildType,
      source: workflow ? workflowSource(workflow, inputs) : firstSource(inputs),
      ...bounded(inputs),
      finishedNs: runDetails.metadata?.finishedOn ?? null,
    },
  };
}

function workflowSource(
  { repository, ref }: { readonly repository: string; readonly ref?: string | undefined },
  materials: readonly MaterialFacts[],
): SourceFacts | null {
  const named = sourceOf({ uri: `git+${repository}`, digest: {} });
  const fetched = materials.map(sourceOf).find((source) => source?.repository === named?.repository);
  return named && { ...named, ref: ref ?? fetched?.ref ?? null, commit: fetched?.commit ?? null };
}

function firstSource(materials: readonly MaterialFacts[]): SourceFacts | null {
  return materials.map(sourceOf).find((source) => source !== null) ?? null;
}

function materialsOf(list: readonly unknown[]): readonly MaterialFacts[] {
  return z.array(resource).parse(list);
}

function bounded(materials: readonly MaterialFacts[]): {
  readonly materials: readonly MaterialFacts[];
  readonly isTruncated: boolean;
} {
  return { materials: materials.slice(0, MOST.materials), isTruncated: materials.length > MOST.materials };
}
