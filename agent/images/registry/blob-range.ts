import { ImageError } from '../image-source.ts';
import { isWorthRetrying, pauseBeforeRetry, type RetryPolicy } from './retry.ts';

/** Opens a part of a blob, `end` not included. @throws ImageError also for a server that gives something else */
export type OpenRange = (start: number, end: number) => Promise<AsyncIterable<Buffer>>;

/**
 * Streams a part of a blob, going on where it was cut. It is not verified: whoever reads it has to.
 * @throws ImageError
 */
export async function* readRange(
  { start, end }: { readonly start: number; readonly end: number },
  reference: string,
  policy: RetryPolicy,
  open: OpenRange,
): AsyncGenerator<Buffer> {
  let at = start;
  for (let failures = 0; at < end; ) {
    const before = at;
    try {
      for await (const chunk of await open(at, end)) {
        at += chunk.length;
        if (at > end) throw new ImageError('size-mismatch', reference, `${reference}: more came than was asked for`);
        yield chunk;
      }
      if (at < end) throw cut(reference, null);
    } catch (error) {
      failures = at > before ? 1 : failures + 1;
      const failure = error instanceof ImageError ? error : cut(reference, error);
      if (!isWorthRetrying(failure) || failures >= policy.attempts) throw failure;
      await pauseBeforeRetry(policy, failures, failure);
    }
  }
}

function cut(reference: string, cause: unknown): ImageError {
  return new ImageError('interrupted', reference, `${reference}: a part of a layer ended early`, { cause });
}
