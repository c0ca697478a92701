import type { IncomingMessage } from 'node:http';
import { DIGEST_PATTERN, digestOf } from '../digest.ts';
import type { Descriptor } from '../documents/manifest.ts';
import { INDEX_TYPES, MANIFEST_TYPES } from '../documents/media-types.ts';
import { ImageError } from '../image-source.ts';
import { createAuthorizer } from './authorization.ts';
import { readRange } from './blob-range.ts';
import type { HostSettings, HostTls } from './host-settings.ts';
import { createHttpClient, type HttpClient, type Patience } from './http-exchange.ts';
import { createMirrors } from './mirrors.ts';
import { readWhole } from './read-whole.ts';
import { createRegistryRequest } from './registry-request.ts';
import { type RetryPolicy, withRetries } from './retry.ts';
import type { RegistryTarget } from './target.ts';
import { createTransport } from './transport.ts';
import { type BlobKeeper, readVerified, sizeMismatch } from './verified-stream.ts';

/** Largest manifest, index, config or signature that is read (the size registries themselves enforce). */
export const MAX_DOCUMENT_BYTES = 4 * 1024 * 1024;

const MANIFEST_ACCEPT = [...MANIFEST_TYPES, ...INDEX_TYPES].join(', ');

/** How registries are reached. */
export interface RegistryOptions {
  /** `host:port` of registries reached over plain HTTP; all others are HTTPS only, unless their settings say so. */
  readonly insecure: readonly string[];
  readonly hosts: readonly HostSettings[];
  /** Certificates by host. */
  readonly tls: ReadonlyMap<string, HostTls>;
  /** A Docker `config.json` with credentials, or null. */
  readonly authFile: string | null;
  readonly patience: Patience;
  readonly retry: RetryPolicy;
  /** Where proxies are named. */
  readonly environment: NodeJS.ProcessEnv;
}

/** The pull half of the OCI distribution specification 1.1. Every answer is verified against its digest. */
export interface RegistryClient {
  /** Fetches a manifest or index by tag or digest. @throws ImageError */
  manifest(target: RegistryTarget, tagOrDigest: string): Promise<Buffer>;
  /** @returns the digest a tag has now, as the registry says, or null when it does not say it cheaply. @throws ImageError */
  digest(target: RegistryTarget, tag: string): Promise<string | null>;
  /** Fetches the index of artifacts that refer to a manifest. @throws ImageError `not-found` where there is no such API */
  referrers(target: RegistryTarget, digest: string): Promise<Buffer>;
  /** Fetches a small blob whole. @throws ImageError */
  blob(target: RegistryTarget, descriptor: Descriptor): Promise<Buffer>;
  /** @returns where the blobs of a repository may be had, best first. */
  places(target: RegistryTarget): readonly RegistryTarget[];
  /** Streams a blob of any size from one place; verified only once it has ended normally. @throws ImageError */
  stream(place: RegistryTarget, descriptor: Descriptor, keeper?: BlobKeeper): AsyncGenerator<Buffer>;
  /** Streams a part of a blob from one place, not verified; null where parts save nothing. @throws ImageError */
  readonly range: ReadBlobRange | null;
}

/** `end` is not part of what is read. */
export type ReadBlobRange = (
  place: RegistryTarget,
  descriptor: Descriptor,
  part: { readonly start: number; readonly end: number },
) => AsyncGenerator<Buffer>;

/** Makes a client; it holds no connection until used, and none that keeps the process alive. */
export function createRegistryClient(options: RegistryOptions): RegistryClient {
  const { hosts, retry } = options;
  const transport = createTransport([
    ...options.insecure,
    ...hosts.filter(({ isPlainHttp }) => isPlainHttp).map(({ host }) => host),
  ]);
  // By the host that is spoken to: a default port is not in its name, and Docker Hub's API is elsewhere.
  const tls = new Map([...options.tls].map(([host, settings]) => [transport.url(host, '/').host, settings]));
  const http = createHttpClient({ ...options, tls });
  const mirrors = createMirrors(new Map(hosts.map(({ host, mirrors: names = [] }) => [host, names])));
  const request = createRegistryRequest(http, transport, createAuthorizer(http, transport, options.authFile));
  /** A mirror is tried once: there is somebody else to ask. */
  const policy = (isLast: boolean): RetryPolicy => (isLast ? retry : { ...retry, attempts: 1 });
  const fetchDocument = (place: RegistryTarget, path: string, accept: string, isLast: boolean) =>
    withRetries(policy(isLast), async () => {
      const response = await request(place, path, { accept });
      const bytes = await readWhole(http.body(response), MAX_DOCUMENT_BYTES, place.reference);
      return { bytes, claimedDigest: response.headers['docker-content-digest'] };
    });
  const streamWith = (
    used: RetryPolicy,
    place: RegistryTarget,
    descriptor: Descriptor,
    keeper?: BlobKeeper,
  ): AsyncGenerator<Buffer> => {
    const open = async (offset: number) => {
      const path = `/v2/${place.repository}/blobs/${descriptor.digest}`;
      const response = await request(place, path, offset === 0 ? {} : { range: `bytes=${offset}-` });
      return openedAt(response, http, offset, descriptor, place.reference);
    };
    return readVerified(descriptor, place.reference, used, open, keeper);
  };
  return {
    manifest: (target, tagOrDigest) =>
      mirrors.ask(target, async (place, isLast) => {
        const path = `/v2/${place.repository}/manifests/${tagOrDigest}`;
        const { bytes, claimedDigest } = await fetchDocument(place, path, MANIFEST_ACCEPT, isLast);
        return verifiedManifest(bytes, tagOrDigest, claimedDigest, target.reference);
      }),
    digest: (target, tag) =>
      mirrors.ask(target, (place, isLast) =>
        withRetries(policy(isLast), () => askDigest(request, place, tag)).catch((error: ImageError) => {
          // Some registries know no HEAD; that the tag is gone is then said by the GET that follows.
          if (error.code === 'not-found' && isLast) return null;
          throw error;
        }),
      ),
    referrers: (target, digest) =>
      mirrors.ask(target, async (place, isLast) => {
        const path = `/v2/${place.repository}/referrers/${digest}`;
        return (await fetchDocument(place, path, INDEX_TYPES.join(', '), isLast)).bytes;
      }),
    blob: async (target, descriptor) => {
      if (descriptor.size > MAX_DOCUMENT_BYTES) {
        const message = `${target.reference}: ${descriptor.digest} exceeds ${MAX_DOCUMENT_BYTES} bytes`;
        throw new ImageError('too-large', target.reference, message);
      }
      return mirrors.ask(target, (place, isLast) =>
        readWhole(streamWith(policy(isLast), place, descriptor), MAX_DOCUMENT_BYTES, target.reference),
      );
    },
    places: mirrors.places,
    stream: (place, descriptor, keeper) => streamWith(retry, place, descriptor, keeper),
    range: (place, descriptor, part) =>
      readRange(part, place.reference, retry, async (start, end) => {
        const path = `/v2/${place.repository}/blobs/${descriptor.digest}`;
        const response = await request(place, path, { range: `bytes=${start}-${end - 1}` });
        return openedRange(response, http, start, place.reference);
      }),
  };
}

/** A server that knows no ranges would send all of it each time. */
function openedRange(
  response: IncomingMessage,
  http: HttpClient,
  start: number,
  reference: string,
): AsyncIterable<Buffer> {
  const [, first] = /^bytes (\d+)-/.exec(response.headers['content-range'] ?? '') ?? [];
  if (response.statusCode === 206 && Number(first) === start) return http.body(response);
  response.destroy();
  throw new ImageError('not-found', reference, `${reference}: the registry gives no parts of layers`);
}

async function askDigest(
  request: ReturnType<typeof createRegistryRequest>,
  place: RegistryTarget,
  tag: string,
): Promise<string | null> {
  const response = await request(
    place,
    `/v2/${place.repository}/manifests/${tag}`,
    { accept: MANIFEST_ACCEPT },
    'HEAD',
  );
  response.resume();
  const said = [response.headers['docker-content-digest'], response.headers.etag?.replace(/^(W\/)?"(.*)"$/, '$2')];
  return said.find((text): text is string => typeof text === 'string' && DIGEST_PATTERN.test(text)) ?? null;
}

function verifiedManifest(bytes: Buffer, asked: string, claimed: unknown, reference: string): Buffer {
  const expected = DIGEST_PATTERN.test(asked) ? asked : claimed;
  const actual = digestOf(bytes);
  if (typeof expected === 'string' && DIGEST_PATTERN.test(expected) && actual !== expected) {
    const message = `${reference}: the manifest ${expected} arrived as ${actual}`;
    throw new ImageError('digest-mismatch', reference, message);
  }
  return bytes;
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
