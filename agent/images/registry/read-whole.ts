import { ImageError } from '../image-source.ts';

/**
 * Reads a small body to its end.
 * @throws ImageError `too-large` past the limit, `interrupted` when the body ends early
 */
export async function readWhole(body: AsyncIterable<Buffer>, maxBytes: number, reference: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of body) {
      size += chunk.length;
      if (size > maxBytes) break;
      chunks.push(chunk);
    }
  } catch (cause) {
    if (cause instanceof ImageError) throw cause;
    const message = `${reference}: the answer ended early: ${(cause as Error).message}`;
    throw new ImageError('interrupted', reference, message, { cause });
  }
  if (size > maxBytes)
    throw new ImageError('too-large', reference, `${reference}: an answer exceeds ${maxBytes} bytes`);
  return Buffer.concat(chunks);
}
