import { join } from 'node:path';
import type { VerifiedEvidence } from '../../agent/images/evidence.ts';
import { createRegistryClient, type RegistryClient } from '../../agent/images/registry/registry-client.ts';
import { authoritiesOfPolicy } from '../../agent/images/signature/authority.ts';
import { findEvidence } from '../../agent/images/signature/find-evidence.ts';
import type { Evidence } from '../../agent/images/signature/found-evidence.ts';
import { unmetDemands } from '../../agent/images/signature/unmet-demands.ts';
import { verifyAll } from '../../agent/images/signature/verify-evidence.ts';
import { type ImagePolicy, parseManifests } from '../../manifests/index.ts';
import { type BuiltImage, buildImage } from '../world/image-builder.ts';
import { type Registry, startRegistry } from '../world/registry.ts';
import { makeTempDir, type TempDir } from '../world/temp-dir.ts';

/** A registry with images, and what an agent makes of the signatures in it. */
export interface EvidenceWorld {
  readonly registry: Registry;
  readonly directory: TempDir;
  build(name: string, content?: string): Promise<NamedImage>;
  /** @returns all that is found on an image. */
  find(image: NamedImage, digest?: string): Promise<readonly Evidence[]>;
  freshState(): string;
  stop(): Promise<void>;
}

/** An image and the repository it is in. */
export type NamedImage = BuiltImage & { readonly name: string };

/** Starts a registry. */
export async function startEvidenceWorld(): Promise<EvidenceWorld> {
  const [registry, directory] = await Promise.all([startRegistry(), makeTempDir()]);
  let nth = 0;
  return {
    registry,
    directory,
    build: async (name, content = name) => {
      const layers = [[{ name: 'f', content }]];
      return { ...(await buildImage({ registry: registry.host, name, tag: '1', layers })), name };
    },
    find: async ({ name, reference, digest }, other = digest) => {
      const found: Evidence[] = [];
      const target = { reference, registry: registry.host, repository: name };
      for await (const { evidence } of findEvidence(clientFor(registry), target, [other])) {
        if (evidence) found.push(evidence);
      }
      return found;
    },
    freshState: () => join(directory.path, `state-${nth++}`),
    stop: async () => {
      await registry.stop();
      await directory.remove();
    },
  };
}

/** @returns a client for a registry over plain HTTP that gives up fast. */
export function clientFor({ host }: { readonly host: string }): RegistryClient {
  const patience = { connectMs: 2_000, idleMs: 10_000 };
  const retry = { attempts: 1, delayMs: 1 };
  return createRegistryClient({
    ...{ insecure: [host], hosts: [], tls: new Map(), authFile: null, patience, retry, environment: {} },
  });
}

/** Reads an ImagePolicy as a commit would have it, for every repository unless it says otherwise. */
export function imagePolicy(spec: object, name = 'shop'): ImagePolicy {
  const document = {
    ...{ apiVersion: 'holdfast.dev/v1alpha1', kind: 'ImagePolicy', metadata: { name } },
    spec: { repositories: ['*'], ...spec },
  };
  const { resources, problems } = parseManifests([{ path: 'policy.json', text: JSON.stringify(document) }]);
  const [located] = resources;
  if (located?.resource.kind !== 'ImagePolicy') throw new Error(JSON.stringify(problems));
  return located.resource;
}

/** Verifies evidence as of a time, now unless given. */
export async function judge(
  policy: ImagePolicy,
  evidence: readonly Evidence[],
  digests: readonly string[],
  now: number = Date.now(),
): Promise<VerifiedEvidence> {
  return verifyAll(evidence, { authorities: await authoritiesOfPolicy(policy), digests, now });
}

/** @returns what an image lacks, by the rules' names. */
export function lacks(policy: ImagePolicy, evidence: VerifiedEvidence, now: number = Date.now()): readonly string[] {
  return unmetDemands([policy], { repository: 'registry.test/app', evidence }, now).map(({ rule }) => rule);
}

/** @returns the codes of what was refused. */
export const codes = ({ rejected }: VerifiedEvidence): readonly string[] => rejected.map(({ code }) => code);

/** @returns the names of those who signed. */
export const signers = ({ signatures }: VerifiedEvidence): readonly string[] =>
  signatures.map(({ authority }) => authority);

/** JSON that a test reaches into. */
// biome-ignore lint/suspicious/noExplicitAny: what is there is what the real tool wrote, and the test breaks it
export type Changeable = any;

/** @returns JSON with something changed in it. */
export function changedJson(bytes: Buffer, change: (value: Changeable) => void): Buffer {
  const value = JSON.parse(bytes.toString('utf8'));
  change(value);
  return Buffer.from(JSON.stringify(value));
}
