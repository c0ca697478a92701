import { digestOf } from './digest.ts';
import { type ConfigDocument, parseImageConfig } from './documents/config.ts';
import { type Descriptor, type ManifestDocument, parseImageDocument } from './documents/manifest.ts';
import { CONFIG_TYPES, type Compression, LAYER_TYPES } from './documents/media-types.ts';
import { type Platform, selectManifest, suitability } from './documents/platform.ts';
import { ImageError } from './image-source.ts';

/** Where documents are read from: a registry or the store. Bytes asked for by digest have that digest. */
export interface DocumentReader {
  manifest(tagOrDigest: string): Promise<Buffer>;
  blob(descriptor: Descriptor): Promise<Buffer>;
}

/** One layer, packed and unpacked. */
export interface ImageLayer {
  readonly descriptor: Descriptor;
  readonly compression: Compression;
  readonly diffId: string;
}

/** An image from what its reference names down to its layers, each link by digest. */
export interface ImageChain {
  /** Of the index or manifest that the reference names. */
  readonly topDigest: string;
  /** Of the manifest for the platform; the same as `topDigest` when there is no index. */
  readonly digest: string;
  readonly config: ConfigDocument;
  /** Of the manifest. */
  readonly annotations: Readonly<Record<string, string>>;
  /** Lowest first. */
  readonly layers: readonly ImageLayer[];
  /** The documents the chain was read from. */
  readonly documents: readonly Buffer[];
}

/** overlayfs takes 500 lower layers; Docker has always stopped at this many. */
const MAX_LAYERS = 127;

/**
 * Follows an image from a tag or digest to the layers for a platform.
 * @throws ImageError from the reader, `no-platform`, `size-mismatch`, `bad-manifest`
 */
export async function readImageChain(
  reader: DocumentReader,
  tagOrDigest: string,
  platform: Platform,
  reference: string,
): Promise<ImageChain> {
  const top = await reader.manifest(tagOrDigest);
  const chosen = await readPlatformManifest(reader, top, platform, reference);
  if (!CONFIG_TYPES.includes(chosen.manifest.config.mediaType)) {
    const message = `${reference}: ${chosen.manifest.config.mediaType} is not an image but another artifact`;
    throw new ImageError('bad-manifest', reference, message);
  }
  const configBytes = await reader.blob(chosen.manifest.config);
  const config = parseImageConfig(configBytes, reference);
  if (suitability(config, platform) === 0) throw noPlatform(reference, platform, `${config.os}/${config.architecture}`);
  return {
    topDigest: digestOf(top),
    digest: digestOf(chosen.bytes),
    config,
    annotations: chosen.manifest.annotations ?? {},
    layers: pairLayers(chosen.manifest, config, reference),
    documents: [...new Set([top, chosen.bytes, configBytes])],
  };
}

async function readPlatformManifest(
  reader: DocumentReader,
  top: Buffer,
  platform: Platform,
  reference: string,
): Promise<{ readonly bytes: Buffer; readonly manifest: ManifestDocument }> {
  const document = parseImageDocument(top, reference);
  if (document.kind === 'manifest') return { bytes: top, manifest: document.manifest };
  const descriptor = selectManifest(document.index, platform);
  if (!descriptor) {
    const offered = document.index.manifests.map((entry) => `${entry.platform?.os}/${entry.platform?.architecture}`);
    throw noPlatform(reference, platform, offered.join(', ') || 'none');
  }
  const bytes = await reader.manifest(descriptor.digest);
  if (bytes.length !== descriptor.size) {
    const message = `${reference}: the manifest ${descriptor.digest} has ${bytes.length} bytes, its index says ${descriptor.size}`;
    throw new ImageError('size-mismatch', reference, message);
  }
  const chosen = parseImageDocument(bytes, reference);
  if (chosen.kind === 'manifest') return { bytes, manifest: chosen.manifest };
  throw new ImageError('bad-manifest', reference, `${reference}: the index leads to another index`);
}

function pairLayers(manifest: ManifestDocument, config: ConfigDocument, reference: string): readonly ImageLayer[] {
  const { diffIds } = config;
  if (manifest.layers.length !== diffIds.length) {
    const message = `${reference}: the manifest has ${manifest.layers.length} layers, the config ${diffIds.length}`;
    throw new ImageError('bad-manifest', reference, message);
  }
  if (manifest.layers.length === 0 || manifest.layers.length > MAX_LAYERS) {
    const message = `${reference}: it has ${manifest.layers.length} layers; 1 to ${MAX_LAYERS} can be run`;
    throw new ImageError('bad-manifest', reference, message);
  }
  return diffIds.map((diffId, position) => {
    const descriptor = manifest.layers[position] as Descriptor;
    const compression = LAYER_TYPES.get(descriptor.mediaType);
    if (compression) return { descriptor, compression, diffId };
    throw new ImageError(
      'bad-manifest',
      reference,
      `${reference}: layers of ${descriptor.mediaType} are not supported`,
    );
  });
}

function noPlatform(reference: string, platform: Platform, offered: string): ImageError {
  const wanted = [platform.os, platform.architecture, platform.variant].filter(Boolean).join('/');
  return new ImageError('no-platform', reference, `${reference}: there is no image for ${wanted}, only for ${offered}`);
}
