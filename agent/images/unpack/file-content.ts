import { type LayerName, refuse } from './refusal.ts';
import { type Extent, MOST_EXTENTS, pairUp, type SparseFile, wholeNumber } from './sparse-map.ts';

/** Bytes and where in the file they go; between them are holes. */
export interface ContentPart {
  readonly offset: number;
  readonly chunk: Uint8Array;
}

/** What a file consists of, in order. */
export interface FileContent {
  /** Null where that is known only at the end of the parts, for a file without holes. */
  readonly size: number | null;
  readonly parts: AsyncIterable<ContentPart>;
}

/** The content of a file that is stored as it is. */
export function plainContent(content: AsyncIterable<Uint8Array>): FileContent {
  return { size: null, parts: plainParts(content) };
}

async function* plainParts(content: AsyncIterable<Uint8Array>): AsyncGenerator<ContentPart> {
  let offset = 0;
  for await (const chunk of content) {
    yield { offset, chunk };
    offset += chunk.length;
  }
}

/** The content of a sparse file. Its parts throw ImageError `bad-layer` when what is stored is not what its map says. */
export function sparseContent(
  content: AsyncIterable<Uint8Array>,
  { size, extents }: SparseFile,
  entry: string,
  layer: LayerName,
): FileContent {
  const name = { entry, layer };
  return { size, parts: extents === null ? mapFirst(content, size, name) : placed([content], extents, name) };
}

interface Name {
  readonly entry: string;
  readonly layer: LayerName;
}

const BLOCK_BYTES = 512;

/** PAX format 1.0: decimal numbers, each on a line of its own, filled up to a whole block, and then the content. */
async function* mapFirst(content: AsyncIterable<Uint8Array>, size: number, name: Name): AsyncGenerator<ContentPart> {
  const chunks = content[Symbol.asyncIterator]();
  let text = Buffer.alloc(0);
  for (;;) {
    const numbers = text.toString('latin1').split('\n').slice(0, -1);
    const expected = numbers[0] === undefined ? 1 : 1 + 2 * wholeNumber(numbers[0], name.entry, name.layer);
    if (expected > 1 + 2 * MOST_EXTENTS)
      throw refuse(name.layer, name.entry, `its sparse map has more than ${MOST_EXTENTS} parts`);
    if (numbers.length >= expected && numbers.length > 0) {
      const used = numbers.slice(0, expected);
      const bytes = used.join('\n').length + 1;
      const start = Math.ceil(bytes / BLOCK_BYTES) * BLOCK_BYTES;
      if (text.length >= start) {
        const extents = pairUp(used.slice(1), size, name.entry, name.layer);
        yield* placed([[text.subarray(start)], { [Symbol.asyncIterator]: () => chunks }], extents, name);
        return;
      }
    }
    const next = await chunks.next();
    if (next.done) throw refuse(name.layer, name.entry, 'its sparse map is not whole');
    text = Buffer.concat([text, next.value]);
  }
}

async function* placed(
  sources: readonly (AsyncIterable<Uint8Array> | Iterable<Uint8Array>)[],
  extents: readonly Extent[],
  { entry, layer }: Name,
): AsyncGenerator<ContentPart> {
  const queue = extents.filter(({ bytes }) => bytes > 0);
  let [nth, done] = [0, 0];
  for (const source of sources) {
    for await (let chunk of source) {
      while (chunk.length > 0) {
        const extent = queue[nth];
        if (!extent) throw refuse(layer, entry, 'it has more content than its sparse map says');
        const part = chunk.subarray(0, extent.bytes - done);
        yield { offset: extent.offset + done, chunk: part };
        done += part.length;
        chunk = chunk.subarray(part.length);
        if (done < extent.bytes) continue;
        nth += 1;
        done = 0;
      }
    }
  }
  if (nth < queue.length) throw refuse(layer, entry, 'it has less content than its sparse map says');
}
