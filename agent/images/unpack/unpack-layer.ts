import { pipeline } from 'node:stream/promises';
import { type Extract, extract } from 'tar-stream';
import { openDirectory } from '../../../native/index.ts';
import { writeInventory } from '../store/inventory.ts';
import type { LayerPlace } from '../store/layer-place.ts';
import { BLOCK_BYTES } from './archive-end.ts';
import { decompress } from './decompress.ts';
import { type FileContent, plainContent, sparseContent } from './file-content.ts';
import { type LayerEntry, readLayerEntry } from './layer-entry.ts';
import { LayerMeter, type PackedLayer } from './layer-meter.ts';
import { LayerWriter } from './layer-writer.ts';
import { UNPACK_LIMITS, type UnpackLimits } from './limits.ts';
import { readRawHeader } from './raw-header.ts';
import { refuse, unpackFailure } from './refusal.ts';

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
  const packed = decompress(meter.packed(), layer.compression);
  const tar = extract();
  try {
    const flows = pipeline(packed.unpacked, meter.unpacked(), tar);
    const written = writeEntries(tar, new LayerWriter(root, layer, inventory), meter, layer, limits);
    const outcomes = await Promise.allSettled([written, flows, packed.fed]);
    const failure = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failure) throw unpackFailure(meter.failure ?? failure.reason, layer, null);
    meter.finish(packed.bytesRead());
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
  let [count, end, contentEnd] = [0, 0, 0];
  for await (const content of tar) {
    const { header } = content;
    const [start, size] = [contentOffset(header), header.type === 'directory' ? 0 : (header.size ?? 0)];
    if (++count > limits.entries) throw refuse(layer, null, `it has more than ${limits.entries} entries`);
    if (meter.end.isPastEnd(start, size)) throw refuse(layer, header.name, 'it comes after the end of the archive');
    const raw = () => readRawHeader(meter.window.copy(end, start));
    const entry = readLayerEntry({ header, raw }, layer, limits);
    contentEnd = start + size;
    end = start + Math.ceil(size / BLOCK_BYTES) * BLOCK_BYTES;
    meter.window.release(start);
    try {
      if (entry)
        await writer.apply(
          entry,
          contentOf(entry, releasing(content as AsyncIterable<Buffer>, start, meter), meter, layer),
        );
    } catch (error) {
      throw unpackFailure(error, layer, header.name);
    }
    content.resume();
  }
  meter.requireContent(contentEnd);
  await writer.finish();
}

/** What was written is not held any longer. */
async function* releasing(content: AsyncIterable<Buffer>, start: number, meter: LayerMeter): AsyncGenerator<Buffer> {
  let offset = start;
  for await (const chunk of content) {
    yield chunk;
    offset += chunk.length;
    meter.window.release(offset);
  }
}

function contentOf(
  entry: LayerEntry,
  content: AsyncIterable<Buffer>,
  meter: LayerMeter,
  layer: PackedLayer,
): FileContent {
  if (entry.type !== 'file' || entry.sparse === null) return plainContent(content);
  meter.expand(entry.sparse.size, entry.path);
  return sparseContent(content, entry.sparse, entry.path, layer);
}

/** tar-stream tells where an entry's content begins; its types do not say so. */
function contentOffset(header: object): number {
  return (header as { readonly byteOffset: number }).byteOffset;
}
