import { PassThrough, Readable, type Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createZstdDecompress, constants as zlib } from 'node:zlib';
import { type Extract, extract } from 'tar-stream';
import { openDirectory } from '../../../native/index.ts';
import type { Compression } from '../documents/media-types.ts';
import { writeInventory } from '../store/inventory.ts';
import type { LayerPlace } from '../store/layer-store.ts';
import { readLayerEntry } from './layer-entry.ts';
import { LayerMeter, type PackedLayer } from './layer-meter.ts';
import { LayerWriter } from './layer-writer.ts';
import { UNPACK_LIMITS, type UnpackLimits } from './limits.ts';
import { refuse, unpackFailure } from './refusal.ts';

const CHUNK_BYTES = 64 * 1024;

/** Frames of up to 32 MiB of window: zstd's levels without --long or --ultra need 8. */
const ZSTD_WINDOW_LOG = 25;

/**
 * Unpacks a layer into an empty directory while it arrives, and notes what it consists of in its inventory. Until this resolves, nothing in the directory is to be used.
 * @throws ImageError `bad-layer` for what is unsafe or broken in it, `digest-mismatch` for another tar than `diffId`,
 * `no-space`, `store`, and whatever the stream throws.
 */
export async function unpackLayer(
  layer: PackedLayer,
  { directory, inventory: inventoryPath }: LayerPlace,
  limits: UnpackLimits = UNPACK_LIMITS,
): Promise<void> {
  const root = openDirectory(directory);
  const inventory = writeInventory(inventoryPath);
  const meter = new LayerMeter(layer, limits);
  const decompressed = decompressor(layer.compression);
  const tar = extract();
  try {
    const fed = pipeline(Readable.from(meter.packed()), decompressed, meter.unpacked(), tar);
    const written = writeEntries(tar, new LayerWriter(root, layer, inventory), meter, layer, limits);
    const [writing, feeding] = await Promise.allSettled([written, fed]);
    const failure = [writing, feeding].find((outcome) => outcome.status === 'rejected');
    if (failure) throw unpackFailure(meter.failure ?? failure.reason, layer, null);
    meter.finish(decompressed);
    await inventory.finish().catch((error) => {
      throw unpackFailure(error, layer, null);
    });
  } finally {
    inventory.abandon();
    root.close();
  }
}

async function writeEntries(
  tar: Extract,
  writer: LayerWriter,
  meter: LayerMeter,
  layer: PackedLayer,
  limits: UnpackLimits,
): Promise<void> {
  let count = 0;
  for await (const content of tar) {
    const { header } = content;
    if (++count > limits.entries) throw refuse(layer, null, `it has more than ${limits.entries} entries`);
    if (meter.end.isPastEnd(contentOffset(header), header.type === 'directory' ? 0 : (header.size ?? 0))) {
      throw refuse(layer, header.name, 'it comes after the end of the archive');
    }
    const entry = readLayerEntry(header, layer, limits);
    try {
      if (entry) await writer.apply(entry, content as AsyncIterable<Buffer>);
    } catch (error) {
      throw unpackFailure(error, layer, header.name);
    }
    content.resume();
  }
  await writer.finish();
}

/** tar-stream tells where an entry's content begins; its types do not say so. */
function contentOffset(header: object): number {
  return (header as { readonly byteOffset: number }).byteOffset;
}

function decompressor(compression: Compression): Transform {
  switch (compression) {
    case 'gzip':
      return createGunzip({ chunkSize: CHUNK_BYTES });
    case 'zstd':
      return createZstdDecompress({
        chunkSize: CHUNK_BYTES,
        params: { [zlib.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG },
      });
    case 'none':
      return new PassThrough();
    default:
      return compression satisfies never;
  }
}
