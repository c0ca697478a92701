import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { extract } from 'tar-stream';
import { ImageError } from '../image-source.ts';
import type { LayoutFiles } from './layout-files.ts';

/** A layout has three files and its blobs; a tar of more than this is not one. */
const MAX_FILES = 100_000;

/**
 * Opens a tar of a layout, as `skopeo copy … oci-archive:` makes it. It is read through once to find its files, and
 * nothing of it is written anywhere.
 * @throws ImageError `not-found` for a file that is not there, `bad-manifest` for one that is no plain tar
 */
export async function openArchive(path: string, source: string): Promise<LayoutFiles> {
  const places = new Map<string, { readonly start: number; readonly size: number }>();
  const tar = extract();
  pipeline(createReadStream(path, { highWaterMark: 256 * 1024 }), tar, () => undefined);
  try {
    for await (const entry of tar) {
      const { name, type, size = 0 } = entry.header;
      if (type === 'file') places.set(name.replace(/^(\.\/)+/, ''), { start: contentStart(entry.header), size });
      if (places.size > MAX_FILES) throw new Error(`it holds more than ${MAX_FILES} files`);
      entry.resume();
    }
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new ImageError('not-found', source, `${source}: there is no file ${path}`, { cause });
    throw new ImageError('bad-manifest', source, `${source}: it is no uncompressed tar: ${message}`, { cause });
  }
  return {
    read: async (name, offset) => {
      const place = places.get(name);
      if (!place) return null;
      if (offset >= place.size) return NOTHING;
      return createReadStream(path, { start: place.start + offset, end: place.start + place.size - 1 });
    },
    close: async () => undefined,
  };
}

const NOTHING: AsyncIterable<Buffer> = {
  [Symbol.asyncIterator]: async function* () {
    yield* [];
  },
};

/** tar-stream tells where an entry's content begins; its types do not say so. */
function contentStart(header: object): number {
  return (header as { readonly byteOffset: number }).byteOffset;
}
