import { createHash } from 'node:crypto';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { LayerStore } from '../../agent/images/store/layer-store.ts';
import type { PackedLayer } from '../../agent/images/unpack/layer-meter.ts';
import { UNPACK_LIMITS, type UnpackLimits } from '../../agent/images/unpack/limits.ts';
import { unpackLayer } from '../../agent/images/unpack/unpack-layer.ts';
import { makeTar, type TarEntry } from '../world/image-builder.ts';
import { makeTempDir } from '../world/temp-dir.ts';

/** What came of unpacking one layer into a directory between two others. */
export interface Unpacked {
  /** Code and message of the refusal; null when it was unpacked. */
  readonly refusal: { readonly code: string; readonly message: string } | null;
  /** The layer's directory. */
  readonly layer: string;
  /** What the layer was noted to consist of. */
  readonly inventory: string;
  /** Names beside the layer's directory: only what was there before, unless something got out. */
  readonly around: readonly string[];
  remove(): Promise<void>;
}

/** Unpacks entries or a raw tar, gzipped, as if they came from a registry in small chunks. */
export async function unpack(
  source: readonly TarEntry[] | Buffer,
  options: { readonly limits?: Partial<UnpackLimits>; readonly packed?: Buffer; readonly diffId?: string } = {},
): Promise<Unpacked> {
  const tar = Buffer.isBuffer(source) ? source : await makeTar(source);
  const directory = await makeTempDir();
  const inventories = await makeTempDir();
  const layer = join(directory.path, 'layer');
  await mkdir(layer);
  const packed: PackedLayer = {
    reference: 'test/image:1',
    digest: `sha256:${'a'.repeat(64)}`,
    compression: 'gzip',
    diffId: options.diffId ?? `sha256:${createHash('sha256').update(tar).digest('hex')}`,
    stream: chunksOf(options.packed ?? gzipSync(tar)),
  };
  const refusal = await unpackLayer(
    packed,
    { directory: layer, inventory: join(inventories.path, 'inventory') },
    { ...UNPACK_LIMITS, ...options.limits },
  ).then(
    () => null,
    (error: Error & { code: string }) => ({ code: error.code, message: error.message }),
  );
  return {
    refusal,
    layer,
    inventory: join(inventories.path, 'inventory'),
    around: await readdir(directory.path),
    remove: async () => {
      await directory.remove();
      await inventories.remove();
    },
  };
}

async function* chunksOf(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += 10_000) yield bytes.subarray(at, at + 10_000);
}

/** Adds a layer to a store as a pull does. @returns its diffID */
export async function addLayer(layers: LayerStore, entries: readonly TarEntry[]): Promise<string> {
  const tar = await makeTar(entries);
  const diffId = `sha256:${createHash('sha256').update(tar).digest('hex')}`;
  const packed = { reference: 'test/image:1', digest: diffId, compression: 'gzip', diffId } as const;
  await layers.add(diffId, (place) => unpackLayer({ ...packed, stream: chunksOf(gzipSync(tar)) }, place));
  return diffId;
}
