import { createHash } from 'node:crypto';
import type { Descriptor } from '../documents/manifest.ts';
import { ImageError } from '../image-source.ts';
import { mayPass, pauseBeforeRetry, type RetryPolicy } from './retry.ts';

/** An attempt that brought at least this much counts as progress, and the count of failures starts anew. */
const PROGRESS_BYTES = 1024 * 1024;

/** Opens a blob at an offset; the answer says where it really starts, for a server may not know ranges. */
export type OpenBlob = (offset: number) => Promise<{ readonly start: number; readonly body: AsyncIterable<Buffer> }>;

/**
 * Streams a blob, resuming where it was cut, and ends normally only if size and digest are the descriptor's.
 * What was yielded before that must not be used until then.
 * @throws ImageError `interrupted`, `unreachable`, `size-mismatch`, `digest-mismatch`
 */
export async function* readVerified(
  descriptor: Descriptor,
  reference: string,
  policy: RetryPolicy,
  open: OpenBlob,
): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  let received = 0;
  for (let failures = 0; ; ) {
    const before = received;
    try {
      for await (const chunk of continueAt(received, open)) {
        received += chunk.length;
        if (received > descriptor.size) throw sizeMismatch(descriptor, reference);
        hash.update(chunk);
        yield chunk;
      }
      if (received < descriptor.size) throw cut(descriptor, reference, received, null);
      break;
    } catch (error) {
      failures = received - before >= PROGRESS_BYTES ? 1 : failures + 1;
      const failure = error instanceof ImageError ? error : cut(descriptor, reference, received, error);
      await pauseOrGiveUp(policy, failures, failure);
    }
  }
  const actual = `sha256:${hash.digest('hex')}`;
  if (actual !== descriptor.digest) {
    const message = `${reference}: ${descriptor.digest} arrived as ${actual}: it was changed on the way or in the registry`;
    throw new ImageError('digest-mismatch', reference, message);
  }
}

async function pauseOrGiveUp(policy: RetryPolicy, failures: number, failure: ImageError): Promise<void> {
  if (!mayPass(failure) || failures >= policy.attempts) throw failure;
  await pauseBeforeRetry(policy, failures, failure);
}

async function* continueAt(offset: number, open: OpenBlob): AsyncGenerator<Buffer> {
  const { start, body } = await open(offset);
  let skip = offset - start;
  for await (const chunk of body) {
    const rest = chunk.subarray(Math.min(skip, chunk.length));
    skip -= chunk.length - rest.length;
    if (rest.length > 0) yield rest;
  }
}

function cut(descriptor: Descriptor, reference: string, received: number, cause: unknown): ImageError {
  const message = `${reference}: ${descriptor.digest} ended after ${received} of ${descriptor.size} bytes`;
  return new ImageError('interrupted', reference, message, { cause });
}

/** @returns the error for a blob that is not as long as its descriptor says. */
export function sizeMismatch(descriptor: Descriptor, reference: string): ImageError {
  const message = `${reference}: ${descriptor.digest} is not the ${descriptor.size} bytes its manifest says`;
  return new ImageError('size-mismatch', reference, message);
}
