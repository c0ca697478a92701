import type { PackedFile } from './chunked-layer.ts';

/** A part of a layer: packed, to be fetched, or a file that is here already. */
export type DeltaPart =
  | { readonly kind: 'range'; readonly start: number; readonly end: number }
  | { readonly kind: 'file'; readonly path: string; readonly packedBytes: number };

/** A file that is packed in fewer bytes is fetched with what is around it: a request costs more. */
const WORTH_A_REQUEST_BYTES = 32 * 1024;

/**
 * Says how to make a layer of what is here and what is not.
 * @param files of the layer, in its order. @param held paths of those that are here, by sha256.
 * @param end of what is packed of the layer itself.
 * @returns parts whose content, one after the other, is the unpacked layer; null when nothing would be saved.
 */
export function planDelta(
  files: readonly PackedFile[],
  held: ReadonlyMap<string, string>,
  end: number,
): readonly DeltaPart[] | null {
  const parts: DeltaPart[] = [];
  let at = 0;
  for (const file of files) {
    const path = held.get(file.sha256);
    if (path === undefined || file.end - file.start < WORTH_A_REQUEST_BYTES) continue;
    if (file.start > at) parts.push({ kind: 'range', start: at, end: file.start });
    parts.push({ kind: 'file', path, packedBytes: file.end - file.start });
    at = file.end;
  }
  if (at === 0) return null;
  if (end > at) parts.push({ kind: 'range', start: at, end });
  return parts;
}
