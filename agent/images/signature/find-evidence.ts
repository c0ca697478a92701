import { hexOf } from '../digest.ts';
import { type Descriptor, type ManifestDocument, parseImageDocument } from '../documents/manifest.ts';
import type { RejectedEvidence } from '../evidence.ts';
import { ImageError, type ImageErrorCode } from '../image-source.ts';
import type { RegistryClient } from '../registry/registry-client.ts';
import type { RegistryTarget } from '../registry/target.ts';
import type { Evidence, Found } from './found-evidence.ts';
import { BESIDE } from './open-evidence.ts';

/** More in one place than this are not looked at. */
const MAX_IN_ONE_PLACE = 64;
/** Of all that is looked at for one image. */
const MAX_TOTAL_BYTES = 32 * 1024 * 1024;
/** Of what stands beside one signature: certificates and a log entry take a few thousand. */
const MAX_BESIDE_BYTES = 64 * 1024;

/**
 * Fetches what may be signatures and attestations of an image, by all conventions there are. Nothing is verified here.
 * @param digests of its index and its manifest.
 * @throws ImageError when the registry cannot be asked; having none is no error.
 */
export async function* findEvidence(
  client: RegistryClient,
  target: RegistryTarget,
  digests: Iterable<string>,
): AsyncGenerator<Found> {
  let bytes = 0;
  for (const digest of new Set(digests)) {
    for (const places of [findBesideImage, findReferring]) {
      for await (const found of places(client, target, digest)) {
        bytes += found.evidence?.payload.length ?? 0;
        if (bytes <= MAX_TOTAL_BYTES) yield found;
        else {
          yield fault(
            'too-large',
            `all of an image's signatures may have ${MAX_TOTAL_BYTES} bytes; the rest is left out`,
          );
          return;
        }
      }
    }
  }
}

/** By cosign 2, in images that only their tag binds to the image: `sha256-<hex>.sig` and `.att`, one layer for each. */
async function* findBesideImage(client: RegistryClient, target: RegistryTarget, digest: string): AsyncGenerator<Found> {
  const suffixes = { sig: SIMPLE_SIGNING, att: DSSE } as const;
  for (const [suffix, { mediaType, scheme }] of Object.entries(suffixes)) {
    const tag = `sha256-${hexOf(digest)}.${suffix}`;
    const bytes = await faultUnless(client.manifest(target, tag), tag);
    if ('code' in bytes) {
      if (bytes.code !== 'missing') yield { rejected: bytes };
      continue;
    }
    const manifest = readManifest(bytes, target, tag);
    if ('code' in manifest) {
      yield { rejected: manifest };
      continue;
    }
    const layers = manifest.layers.filter((layer) => layer.mediaType === mediaType);
    yield* tooMany(layers.length, tag);
    for (const layer of layers.slice(0, MAX_IN_ONE_PLACE)) yield await readBesideImage(client, target, layer, scheme);
  }
}

const SIGNATURE_ANNOTATION = 'dev.cosignproject.cosign/signature';
const SIMPLE_SIGNING = {
  mediaType: 'application/vnd.dev.cosign.simplesigning.v1+json',
  scheme: 'simple-signing',
} as const;
const DSSE = { mediaType: 'application/vnd.dsse.envelope.v1+json', scheme: 'dsse' } as const;

async function readBesideImage(
  client: RegistryClient,
  target: RegistryTarget,
  layer: Descriptor,
  scheme: Evidence['scheme'],
): Promise<Found> {
  const { [SIGNATURE_ANNOTATION]: signature = '', ...annotations } = layer.annotations ?? {};
  const names: readonly string[] = Object.values(BESIDE);
  const beside = Object.fromEntries(Object.entries(annotations).filter(([name]) => names.includes(name)));
  if (signature.length + JSON.stringify(beside).length > MAX_BESIDE_BYTES) {
    return fault(
      'too-large',
      `what stands beside the signature ${layer.digest} has more than ${MAX_BESIDE_BYTES} bytes`,
    );
  }
  const payload = await faultUnless(client.blob(target, layer), layer.digest);
  if ('code' in payload) return { rejected: payload };
  return { evidence: { scheme, payload, signature, beside } };
}

const BUNDLE_TYPE = /^application\/vnd\.dev\.sigstore\.bundle(\.v0\.\d+\+json|\+json;version=0\.\d+)$/;
const NOTATION_TYPE = 'application/vnd.cncf.notary.signature';
const NOTATION_ENVELOPES: Readonly<Record<string, Evidence['scheme']>> = {
  'application/jose+json': 'notation-jws',
  'application/cose': 'notation-cose',
};

/**
 * By cosign 3 and notation, in artifacts that refer to the image. What the index says of their types is not relied on, and
 * each is held to the image it refers to. Artifacts that are no signatures are passed over.
 */
async function* findReferring(client: RegistryClient, target: RegistryTarget, digest: string): AsyncGenerator<Found> {
  const referrers = await findReferrers(client, target, digest);
  if ('code' in referrers) {
    yield { rejected: referrers };
    return;
  }
  yield* tooMany(referrers.length, digest);
  for (const descriptor of referrers.slice(0, MAX_IN_ONE_PLACE)) {
    const found = await readReferring(client, target, descriptor, digest);
    if (found) yield found;
  }
}

async function readReferring(
  client: RegistryClient,
  target: RegistryTarget,
  descriptor: Descriptor,
  digest: string,
): Promise<Found | null> {
  const bytes = await faultUnless(client.manifest(target, descriptor.digest), descriptor.digest);
  if ('code' in bytes) return { rejected: bytes };
  const manifest = readManifest(bytes, target, descriptor.digest);
  if ('code' in manifest) return { rejected: manifest };
  const [layer] = manifest.layers;
  const scheme = layer && schemeOf(manifest, layer);
  if (!layer || !scheme) return null;
  if (manifest.subject?.digest !== digest) {
    return fault(
      'other-subject',
      `${descriptor.digest} refers to ${manifest.subject?.digest ?? 'nothing'}, not to ${digest}`,
    );
  }
  const payload = await faultUnless(client.blob(target, layer), layer.digest);
  if ('code' in payload) return { rejected: payload };
  return { evidence: { scheme, payload, signature: '', beside: {} } };
}

function schemeOf({ artifactType, config }: ManifestDocument, layer: Descriptor): Evidence['scheme'] | null {
  const types = [artifactType ?? '', config.mediaType, layer.mediaType];
  if (types.some((type) => BUNDLE_TYPE.test(type))) return 'bundle';
  return types.includes(NOTATION_TYPE) ? (NOTATION_ENVELOPES[layer.mediaType] ?? null) : null;
}

/** The referrers API, or where the registry has none the tag that stands in for it (distribution-spec 1.1). */
async function findReferrers(
  client: RegistryClient,
  target: RegistryTarget,
  digest: string,
): Promise<readonly Descriptor[] | RejectedEvidence> {
  const tag = `sha256-${hexOf(digest)}`;
  let bytes = await faultUnless(client.referrers(target, digest), digest);
  if ('code' in bytes) bytes = await faultUnless(client.manifest(target, tag), tag);
  if ('code' in bytes) return bytes.code === 'missing' ? [] : bytes;
  try {
    const document = parseImageDocument(bytes, target.reference);
    return document.kind === 'index' ? document.index.manifests : [];
  } catch (error) {
    return { code: 'malformed', detail: `the list of what refers to ${digest}: ${(error as Error).message}` };
  }
}

function* tooMany(count: number, where: string): Generator<Found> {
  if (count <= MAX_IN_ONE_PLACE) return;
  yield fault('too-large', `${where} has ${count} signatures; ${MAX_IN_ONE_PLACE} are looked at`);
}

function readManifest(bytes: Buffer, target: RegistryTarget, what: string): ManifestDocument | RejectedEvidence {
  try {
    const document = parseImageDocument(bytes, target.reference);
    if (document.kind === 'manifest') return document.manifest;
    return { code: 'malformed', detail: `${what} is an index where a signature should be` };
  } catch (error) {
    return { code: 'malformed', detail: `${what}: ${(error as Error).message}` };
  }
}

/** What a registry may lack or have damaged, as against a registry that fails. */
const FAULTS: Partial<Record<ImageErrorCode, RejectedEvidence['code']>> = {
  'not-found': 'missing',
  'digest-mismatch': 'digest-mismatch',
  'size-mismatch': 'digest-mismatch',
  'too-large': 'too-large',
  'bad-manifest': 'malformed',
};

async function faultUnless(answer: Promise<Buffer>, what: string): Promise<Buffer | RejectedEvidence> {
  try {
    return await answer;
  } catch (error) {
    const code = error instanceof ImageError ? FAULTS[error.code] : undefined;
    if (code === undefined) throw error;
    return { code, detail: `${what}: ${(error as Error).message}` };
  }
}

function fault(code: RejectedEvidence['code'], detail: string): Found {
  return { rejected: { code, detail } };
}
