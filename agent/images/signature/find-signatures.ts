import { hexOf } from '../digest.ts';
import { type Descriptor, type ManifestDocument, parseImageDocument } from '../documents/manifest.ts';
import { ImageError } from '../image-source.ts';
import type { RegistryClient } from '../registry/registry-client.ts';
import type { RegistryTarget } from '../registry/target.ts';
import type { Evidence } from './verify-evidence.ts';

const SIMPLE_SIGNING_LAYER = 'application/vnd.dev.cosign.simplesigning.v1+json';
const SIGNATURE_ANNOTATION = 'dev.cosignproject.cosign/signature';
const BUNDLE_TYPE = /^application\/vnd\.dev\.sigstore\.bundle(\.v0\.\d+\+json|\+json;version=0\.\d+)$/;

/** More signatures than this on one digest are not looked at. */
const MAX_SIGNATURES = 64;

/**
 * Fetches what may be signatures of a manifest, by both of cosign's conventions. Nothing is verified here.
 * @throws ImageError when the registry cannot be asked; having none is no error.
 */
export async function* findSignatures(
  client: RegistryClient,
  target: RegistryTarget,
  digest: string,
): AsyncGenerator<Evidence> {
  yield* findSimpleSignatures(client, target, digest);
  yield* findBundles(client, target, digest);
}

/** cosign 2 keeps them in an image tagged `sha256-<hex>.sig`, one layer for each. */
async function* findSimpleSignatures(
  client: RegistryClient,
  target: RegistryTarget,
  digest: string,
): AsyncGenerator<Evidence> {
  const bytes = await unlessMissing(client.manifest(target, `sha256-${hexOf(digest)}.sig`));
  const layers = (bytes && readManifest(bytes, target)?.layers) ?? [];
  for (const layer of layers.slice(0, MAX_SIGNATURES)) {
    const signature = layer.annotations?.[SIGNATURE_ANNOTATION];
    if (layer.mediaType !== SIMPLE_SIGNING_LAYER || signature === undefined) continue;
    const payload = await unlessMissing(client.blob(target, layer));
    if (payload) yield { scheme: 'simple-signing', payload, signature };
  }
}

/** cosign 3 makes artifacts that refer to the image. What the index says of their types is not relied on. */
async function* findBundles(client: RegistryClient, target: RegistryTarget, digest: string): AsyncGenerator<Evidence> {
  for (const descriptor of (await findReferrers(client, target, digest)).slice(0, MAX_SIGNATURES)) {
    const bytes = await unlessMissing(client.manifest(target, descriptor.digest));
    const manifest = bytes && readManifest(bytes, target);
    const [layer] = manifest?.layers ?? [];
    if (!manifest || !layer || manifest.subject?.digest !== digest) continue;
    if (
      ![manifest.artifactType, manifest.config.mediaType, layer.mediaType].some((type) => BUNDLE_TYPE.test(type ?? ''))
    ) {
      continue;
    }
    const payload = await unlessMissing(client.blob(target, layer));
    if (payload) yield { scheme: 'bundle', payload, signature: '' };
  }
}

/** The referrers API, or where the registry has none the tag that stands in for it (distribution-spec 1.1). */
async function findReferrers(
  client: RegistryClient,
  target: RegistryTarget,
  digest: string,
): Promise<readonly Descriptor[]> {
  const bytes =
    (await unlessMissing(client.referrers(target, digest))) ??
    (await unlessMissing(client.manifest(target, `sha256-${hexOf(digest)}`)));
  if (!bytes) return [];
  try {
    const document = parseImageDocument(bytes, target.reference);
    return document.kind === 'index' ? document.index.manifests : [];
  } catch {
    return [];
  }
}

/** An artifact that cannot be read is no signature. */
function readManifest(bytes: Buffer, target: RegistryTarget): ManifestDocument | null {
  try {
    const document = parseImageDocument(bytes, target.reference);
    return document.kind === 'manifest' ? document.manifest : null;
  } catch {
    return null;
  }
}

/** Being missing or broken in the registry is what a signature may be; that the registry fails is not. */
async function unlessMissing(answer: Promise<Buffer>): Promise<Buffer | null> {
  try {
    return await answer;
  } catch (error) {
    const { code } = error as Partial<ImageError>;
    if (code === 'unreachable' || code === 'interrupted' || code === 'unauthorized' || !(error instanceof ImageError))
      throw error;
    return null;
  }
}
