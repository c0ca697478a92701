import type { IncomingMessage } from 'node:http';
import { DIGEST_PATTERN, digestOf } from '../digest.ts';
import type { Descriptor } from '../documents/manifest.ts';
import { INDEX_TYPES, MANIFEST_TYPES } from '../documents/media-types.ts';
import { ImageError } from '../image-source.ts';
import { createAuthorizer } from './authorization.ts';
import { createHttpClient, type HttpClient, type Patience } from './http-exchange.ts';
import { readWhole } from './read-whole.ts';
import { createRegistryRequest } from './registry-request.ts';
import { type RetryPolicy, withRetries } from './retry.ts';
import type { RegistryTarget } from './target.ts';
import { createTransport } from './transport.ts';
import { readVerified, sizeMismatch } from './verified-stream.ts';

/** Largest manifest, index, config or signature that is read (the size registries themselves enforce). */
export const MAX_DOCUMENT_BYTES = 4 * 1024 * 1024;

const MANIFEST_ACCEPT = [...MANIFEST_TYPES, ...INDEX_TYPES].join(', ');

/** How registries are reached. */
export interface RegistryOptions {
  /** `host:port` of registries reached over plain HTTP; all others are HTTPS only. */
  readonly insecure: readonly string[];
  /** A Docker `config.json` with credentials, or null. */
  readonly authFile: string | null;
  readonly patience: Patience;
  readonly retry: RetryPolicy;
}

/** The pull half of the OCI distribution specification 1.1. Every answer is verified against its digest. */
export interface RegistryClient {
  /** Fetches a manifest or index by tag or digest. @throws ImageError */
  manifest(target: RegistryTarget, tagOrDigest: string): Promise<Buffer>;
  /** Fetches the index of artifacts that refer to a manifest. @throws ImageError `not-found` where there is no such API */
  referrers(target: RegistryTarget, digest: string): Promise<Buffer>;
  /** Fetches a small blob whole. @throws ImageError */
  blob(target: RegistryTarget, descriptor: Descriptor): Promise<Buffer>;
  /** Streams a blob of any size; verified only once it has ended normally. @throws ImageError */
  stream(target: RegistryTarget, descriptor: Descriptor): AsyncGenerator<Buffer>;
}

/** Makes a client; it holds no connection until used, and none that keeps the process alive. */
export function createRegistryClient(options: RegistryOptions): RegistryClient {
  const http = createHttpClient(options.patience);
  const transport = createTransport(options.insecure);
  const request = createRegistryRequest(http, transport, createAuthorizer(http, transport, options.authFile));
  const fetchDocument = (target: RegistryTarget, path: string, accept: string) =>
    withRetries(options.retry, async () => {
      const response = await request(target, path, { accept });
      const bytes = await readWhole(http.body(response), MAX_DOCUMENT_BYTES, target.reference);
      return { bytes, claimedDigest: response.headers['docker-content-digest'] };
    });
  const stream = (target: RegistryTarget, descriptor: Descriptor): AsyncGenerator<Buffer> =>
    readVerified(descriptor, target.reference, options.retry, async (offset) => {
      const path = `/v2/${target.repository}/blobs/${descriptor.digest}`;
      const response = await request(target, path, offset === 0 ? {} : { range: `bytes=${offset}-` });
      return openedAt(response, http, offset, descriptor, target.reference);
    });
  return {
    manifest: async (target, tagOrDigest) => {
      const path = `/v2/${target.repository}/manifests/${tagOrDigest}`;
      const { bytes, claimedDigest } = await fetchDocument(target, path, MANIFEST_ACCEPT);
      const expected = DIGEST_PATTERN.test(tagOrDigest) ? tagOrDigest : claimedDigest;
      const actual = digestOf(bytes);
      if (typeof expected === 'string' && DIGEST_PATTERN.test(expected) && actual !== expected) {
        const message = `${target.reference}: the manifest ${expected} arrived as ${actual}`;
        throw new ImageError('digest-mismatch', target.reference, message);
      }
      return bytes;
    },
    referrers: async (target, digest) =>
      (await fetchDocument(target, `/v2/${target.repository}/referrers/${digest}`, INDEX_TYPES.join(', '))).bytes,
    blob: async (target, descriptor) => {
      if (descriptor.size > MAX_DOCUMENT_BYTES) {
        const message = `${target.reference}: ${descriptor.digest} exceeds ${MAX_DOCUMENT_BYTES} bytes`;
        throw new ImageError('too-large', target.reference, message);
      }
      return readWhole(stream(target, descriptor), MAX_DOCUMENT_BYTES, target.reference);
    },
    stream,
  };
}

/** Holds what the answer says of its length against the descriptor before a byte of it is used. */
function openedAt(
  response: IncomingMessage,
  http: HttpClient,
  offset: number,
  descriptor: Descriptor,
  reference: string,
): { readonly start: number; readonly body: AsyncIterable<Buffer> } {
  const isPart = response.statusCode === 206;
  const [, first, total] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers['content-range'] ?? '') ?? [];
  const size = isPart ? total : response.headers['content-length'];
  const start = isPart ? Number(first ?? Number.NaN) : 0;
  const isWrongSize = size !== undefined && size !== '*' && Number(size) !== descriptor.size;
  if (!isWrongSize && start <= offset) return { start, body: http.body(response) };
  response.destroy();
  if (isWrongSize) throw sizeMismatch(descriptor, reference);
  throw new ImageError(
    'interrupted',
    reference,
    `${reference}: the registry answered with another range than asked for`,
  );
}
