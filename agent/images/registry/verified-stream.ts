import { createHash } from 'node:crypto';
import type { Descriptor } from '../documents/manifest.ts';
import { ImageError } from '../image-source.ts';
import { isWorthRetrying, pauseBeforeRetry, type RetryPolicy } from './retry.ts';

/** An attempt that brought at least this much counts as progress, and the count of failures starts anew. */
const PROGRESS_BYTES = 1024 * 1024;

/** Opens a blob at an offset; the answer says where it really starts, for a server may not know ranges. */
export type OpenBlob = (offset: number) => Promise<{ readonly start: number; readonly body: AsyncIterable<Buffer> }>;

/** What a blob that is streamed is kept in meanwhile, so that an attempt that ends is not in vain. */
export interface BlobKeeper {
  /** What was kept before, from the start of the blob. */
  read(): AsyncIterable<Buffer>;
  /** Keeps what arrives. Nothing more is read meanwhile. */
  append(chunk: Buffer): Promise<void>;
}

const NO_KEEPER: BlobKeeper = {
  read: async function* () {
    yield* [];
  },
  append: async () => undefined,
};

/**
 * Streams a blob, what was kept of it first, resuming where it was cut, and ends normally only if size and digest are
 * the descriptor's. What was yielded before that must not be used until then.
 * @throws ImageError `interrupted`, `unreachable`, `size-mismatch`, `digest-mismatch`
 */
export async function* readVerified(
  descriptor: Descriptor,
  reference: string,
  policy: RetryPolicy,
  open: OpenBlob,
  keeper: BlobKeeper = NO_KEEPER,
): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  let received = 0;
  const take = (chunk: Buffer): Buffer => {
    received += chunk.length;
    if (received > descriptor.size) throw sizeMismatch(descriptor, reference);
    hash.update(chunk);
    return chunk;
  };
  for await (const chunk of keeper.read()) yield take(chunk);
  const isWhole = (): boolean => received === descriptor.size && received > 0;
  for (let failures = 0, isOver = isWhole(); !isOver; ) {
    const before = received;
    try {
      for await (const chunk of continueAt(received, open)) {
        await keeper.append(take(chunk));
        yield chunk;
      }
      if (received < descriptor.size) throw cut(descriptor, reference, received, null);
      isOver = true;
    } catch (error) {
      failures = received - before >= PROGRESS_BYTES ? 1 : failures + 1;
      isOver = isWhole();
      if (!isOver) await pauseOrGiveUp(policy, failures, asFailure(error, descriptor, reference, received));
    }
  }
  const actual = `sha256:${hash.digest('hex')}`;
  if (actual !== descriptor.digest) {
    const message = `${reference}: ${descriptor.digest} arrived as ${actual}: it was changed on the way or in the registry`;
    throw new ImageError('digest-mismatch', reference, message);
  }
}

/** What is no coded error is the network's; but a full disk is not. */
function asFailure(error: unknown, descriptor: Descriptor, reference: string, received: number): ImageError {
  if (error instanceof ImageError) return error;
  const isFull = ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '');
  if (!isFull) return cut(descriptor, reference, received, error);
  const message = `${reference}: no space is left for layer ${descriptor.digest}`;
  return new ImageError('no-space', reference, message, { cause: error });
}

async function pauseOrGiveUp(policy: RetryPolicy, failures: number, failure: ImageError): Promise<void> {
  if (!isWorthRetrying(failure) || failures >= policy.attempts) throw failure;
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
