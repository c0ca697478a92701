import * as z from 'zod';
import { deployment } from './kinds/deployment.ts';
import { pod } from './kinds/pod.ts';
import { lowerDeployment, lowerPod } from './lowering/lower-workload.ts';
import type { LocatedWorkload } from './origin.ts';
import { type Validated, validate } from './schema/validate.ts';
import { nearest } from './text/nearest.ts';
import { quoted } from './text/quoted.ts';
import type { Workload } from './workload.ts';
import type { YamlDocument } from './yaml/yaml-document.ts';

/** Reads one document as the workload it describes. */
export function readManifest(document: YamlDocument): Validated<LocatedWorkload> {
  const read = READERS.get(kindOf(document.value));
  // Without a kind that has a reader the header has a problem, and the rest cannot be judged.
  return read ? read(document) : { value: null, problems: validate(header, document).problems };
}

type Kind = Workload['kind'];

const BY_KIND: Readonly<Record<Kind, ManifestReader>> = {
  Pod: readerOf(pod, lowerPod, 'spec'),
  Deployment: readerOf(deployment, lowerDeployment, 'spec.template.spec'),
};

/** A map, because the kind comes from the input and may be the name of anything an object inherits. */
const READERS: ReadonlyMap<string, ManifestReader> = new Map(Object.entries(BY_KIND));

type ManifestReader = (document: YamlDocument) => Validated<LocatedWorkload>;

function readerOf<Written>(
  schema: z.ZodType<Written>,
  lower: (written: Written) => Workload,
  podPath: string,
): ManifestReader {
  return (document) => {
    const { value, problems } = validate(schema, document);
    if (value === null) return { value: null, problems };
    const origin = { file: document.file, podPath, positions: document.positions };
    return { value: { workload: lower(value), origin }, problems };
  };
}

function kindOf(value: unknown): string {
  if (typeof value !== 'object' || value === null || !('kind' in value)) return '';
  return typeof value.kind === 'string' ? value.kind : '';
}

const header = z.looseObject({
  apiVersion: z.string(),
  kind: z.string().refine((kind) => READERS.has(kind), { error: ({ input }) => kindMessage(String(input)) }),
});

function kindMessage(kind: string): string {
  const supported = [...READERS.keys()];
  if (kind === 'List') return 'lists are not supported; write each item as a document of its own, separated by `---`';
  const meant = nearest(kind, supported);
  const hint =
    meant === null ? `supported are ${supported.map(quoted).join(' and ')}` : `did you mean ${quoted(meant)}?`;
  return `kind ${quoted(kind)} is not supported; ${hint}`;
}
