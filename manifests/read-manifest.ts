import * as z from 'zod';
import { deployment } from './kinds/deployment.ts';
import { imagePolicy } from './kinds/image-policy.ts';
import { configMap, secret } from './kinds/keyed-data.ts';
import { network } from './kinds/network.ts';
import { networkPolicy } from './kinds/network-policy.ts';
import { pod } from './kinds/pod.ts';
import { service } from './kinds/service.ts';
import { volumeClaim } from './kinds/volume-claim.ts';
import { lowerImagePolicy } from './lowering/lower-image-policy.ts';
import { lowerNetwork } from './lowering/lower-network.ts';
import { lowerNetworkPolicy } from './lowering/lower-network-policy.ts';
import { lowerConfigMap, lowerSecret, lowerVolumeClaim } from './lowering/lower-resource.ts';
import { lowerService } from './lowering/lower-service.ts';
import { lowerDeployment, lowerPod } from './lowering/lower-workload.ts';
import type { LocatedResource, LocatedWorkload } from './origin.ts';
import type { Resource } from './resource.ts';
import { type Validated, validate } from './schema/validate.ts';
import { nearest } from './text/nearest.ts';
import { quoted } from './text/quoted.ts';
import type { Workload } from './workload.ts';
import type { YamlDocument } from './yaml/yaml-document.ts';

/** Reads one document as the workload or resource it describes. */
export function readManifest(document: YamlDocument): Validated<Located> {
  const read = READERS.get(kindOf(document.value));
  // Without a kind that has a reader the header has a problem, and the rest cannot be judged.
  return read ? read(document) : { value: null, problems: validate(header, document).problems };
}

/** What one document declares, with where it came from. */
export type Located = LocatedWorkload | LocatedResource;

type Kind = (Workload | Resource)['kind'];

const BY_KIND: Readonly<Record<Kind, ManifestReader>> = {
  Pod: workloadReader(pod, lowerPod, 'spec'),
  Deployment: workloadReader(deployment, lowerDeployment, 'spec.template.spec'),
  ConfigMap: resourceReader(configMap, lowerConfigMap),
  Secret: resourceReader(secret, lowerSecret),
  PersistentVolumeClaim: resourceReader(volumeClaim, lowerVolumeClaim),
  Network: resourceReader(network, lowerNetwork),
  Service: resourceReader(service, lowerService),
  NetworkPolicy: resourceReader(networkPolicy, lowerNetworkPolicy),
  ImagePolicy: resourceReader(imagePolicy, lowerImagePolicy),
};

/** A map, because the kind comes from the input and may be the name of anything an object inherits. */
const READERS: ReadonlyMap<string, ManifestReader> = new Map(Object.entries(BY_KIND));

type ManifestReader = (document: YamlDocument) => Validated<Located>;

function workloadReader<Written>(
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

function resourceReader<Written>(schema: z.ZodType<Written>, lower: (written: Written) => Resource): ManifestReader {
  return (document) => {
    const { value, problems } = validate(schema, document);
    if (value === null) return { value: null, problems };
    return {
      value: { resource: lower(value), origin: { file: document.file, positions: document.positions } },
      problems,
    };
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
  const hint = meant === null ? `supported are ${supported.map(quoted).join(', ')}` : `did you mean ${quoted(meant)}?`;
  return `kind ${quoted(kind)} is not supported; ${hint}`;
}
