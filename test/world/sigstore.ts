import { createHash, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fulcioHandler, initializeCA, initializeCTLog } from '@sigstore/mock/dist/fulcio/index.js';
import { initializeTLog, rekorHandler } from '@sigstore/mock/dist/rekor/index.js';
import { initializeTSA } from '@sigstore/mock/dist/timestamp/index.js';

/** A certificate authority, its log, a transparency log and a timestamp authority on loopback, for keyless signing. */
export interface Sigstore {
  readonly url: string;
  /** JSON. */
  readonly trustedRoot: string;
  /** Files that cosign takes. */
  readonly files: Readonly<Record<'trustedRoot' | 'signingConfig' | 'rekorKey' | 'ctKey' | 'fulcioRoot', string>>;
  /** @returns a token that the certificate authority takes for this identity. */
  token(identity: { readonly issuer: string; readonly subject: string }): string;
  /** @returns a timestamp over bytes, DER in base64, as of now. */
  timestamp(bytes: Buffer): Promise<string>;
  stop(): Promise<void>;
}

/** @param directory for the files; it must be there. @param clock what the certificate authority takes for now. */
export async function startSigstore(directory: string, clock?: Date): Promise<Sigstore> {
  const pair = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const handlers = new Map<string, (request: IncomingMessage, body: string) => Promise<Answer>>();
  const server = createServer((request, response) => {
    void (async () => {
      const handle = handlers.get(request.url ?? '');
      const answer = handle ? await handle(request, await text(request)) : { status: 404, body: '', headers: {} };
      response.writeHead(answer.status, answer.headers).end(answer.body);
    })();
  });
  const url = await listen(server);
  const ctLog = await initializeCTLog(pair());
  const ca = await initializeCA(pair(), ctLog, clock);
  const log = await initializeTLog(url, pair());
  const tsa = await initializeTSA(pair());
  const fulcio = fulcioHandler(ca).fn;
  handlers.set('/api/v1/signingCert', async ({ headers }, body) => issue(fulcio, headers.authorization ?? '', body));
  handlers.set('/api/v2/signingCert', async ({ headers }, body) => issueV2(fulcio, headers.authorization ?? '', body));
  handlers.set('/api/v1/log/entries', async (_request, body) => enter(rekorHandler(log).fn, body));
  const certificates = { fulcio: [ca.rootCertificate], tsa: [tsa.intCertificate, tsa.rootCertificate] };
  const trustedRoot = JSON.stringify(rootOf(url, certificates, { log: log.publicKey, ctLog: ctLog.publicKey }));
  return {
    url,
    trustedRoot,
    files: await writeFiles(directory, url, {
      trustedRoot,
      rekorKey: pem('PUBLIC KEY', log.publicKey),
      ctKey: pem('PUBLIC KEY', ctLog.publicKey),
      fulcioRoot: pem('CERTIFICATE', bytesOf(ca.rootCertificate)),
    }),
    token: ({ issuer, subject }) => {
      const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
      const claims = { iss: issuer, sub: subject, aud: 'sigstore', iat: 1e9, exp: 4e9 };
      return [part({ alg: 'RS256', typ: 'JWT' }), part(claims), 'c2ln'].join('.');
    },
    timestamp: async (bytes) => {
      const artifactHash = createHash('sha256').update(bytes).digest();
      const hash = { artifactHash, hashAlgorithmOID: '2.16.840.1.101.3.4.2.1' };
      const request = { ...hash, nonce: 1, policyOID: '1.3.6.1.4.1.57264.2', certReq: false };
      // sigstore's library reads no fraction of a second but one of three digits, and DER leaves out zeros at its end.
      for (;;) {
        const made = bytesOf(await tsa.timestamp(request));
        if (/\d{14}(\.\d{3})?Z/.test(made.toString('latin1'))) return made.toString('base64');
      }
    },
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

type Handler = ReturnType<typeof fulcioHandler>['fn'];

/** The first version of Fulcio's API, over the second, which the mock speaks. */
async function issue(fulcio: Handler, authorization: string, body: string): Promise<Answer> {
  const { publicKey, certificateSigningRequest } = JSON.parse(body);
  const answer = await issueV2(
    fulcio,
    authorization,
    JSON.stringify(
      publicKey
        ? { publicKeyRequest: { publicKey: { content: publicKeyPem(Buffer.from(publicKey.content, 'base64')) } } }
        : { certificateSigningRequest },
    ),
  );
  if (answer.status !== 200) return answer;
  const chain: readonly string[] = JSON.parse(answer.body).signedCertificateEmbeddedSct.chain.certificates;
  return {
    status: 201,
    headers: { 'content-type': 'application/pem-certificate-chain' },
    body: chain.map(asLines).join(''),
  };
}

async function issueV2(fulcio: Handler, authorization: string, body: string): Promise<Answer> {
  const { certificateSigningRequest: request, credentials, ...rest } = JSON.parse(body);
  const token = credentials ?? { oidcIdentityToken: authorization.replace(/^Bearer /, '') };
  const csr = request === undefined ? {} : { certificateSigningRequest: Buffer.from(request, 'base64').toString() };
  const { statusCode, response } = await fulcio(JSON.stringify({ ...rest, ...csr, credentials: token }));
  return {
    status: statusCode === 201 ? 200 : statusCode,
    headers: { 'content-type': 'application/json' },
    body: String(response),
  };
}

/** The log keeps digests of an envelope, not what is proposed. */
async function enter(rekor: Handler, body: string): Promise<Answer> {
  const entry = JSON.parse(body);
  const proposed = entry.spec?.proposedContent;
  if (entry.kind === 'dsse' && proposed) {
    const envelope = JSON.parse(proposed.envelope);
    const hashed = (bytes: string | Buffer) => ({
      algorithm: 'sha256',
      value: createHash('sha256').update(bytes).digest('hex'),
    });
    entry.spec = {
      envelopeHash: hashed(proposed.envelope),
      payloadHash: hashed(Buffer.from(envelope.payload, 'base64')),
      signatures: envelope.signatures.map(({ sig }: { readonly sig: string }) => ({
        signature: sig,
        verifier: proposed.verifiers[0],
      })),
    };
  }
  const { statusCode, response } = await rekor(JSON.stringify(entry));
  const headers = { 'content-type': 'application/json' };
  if (statusCode !== 201) return { status: statusCode, headers, body: String(response) };
  const [id = ''] = Object.keys(JSON.parse(String(response)));
  const location = `/api/v1/log/entries/${id}`;
  return { status: 201, headers: { ...headers, etag: id, location }, body: String(response) };
}

type Certificate = ArrayBufferView<ArrayBuffer>;

function rootOf(
  baseUrl: string,
  certificates: { readonly fulcio: readonly Certificate[]; readonly tsa: readonly Certificate[] },
  keys: { readonly log: Buffer; readonly ctLog: Buffer },
): object {
  const validFor = { start: new Date(Date.now() - 86_400_000).toISOString() };
  const log = (key: Buffer) => ({
    ...{ baseUrl, hashAlgorithm: 'SHA2_256' },
    publicKey: { rawBytes: key.toString('base64'), keyDetails: 'PKIX_ECDSA_P256_SHA_256', validFor },
    logId: { keyId: createHash('sha256').update(key).digest('base64') },
  });
  const authority = (chain: readonly Certificate[]) => ({
    ...{ subject: { organization: 'test', commonName: 'test' }, uri: baseUrl, validFor },
    certChain: { certificates: chain.map((certificate) => ({ rawBytes: bytesOf(certificate).toString('base64') })) },
  });
  return {
    mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
    tlogs: [log(keys.log)],
    ctlogs: [log(keys.ctLog)],
    certificateAuthorities: [authority(certificates.fulcio)],
    timestampAuthorities: [authority(certificates.tsa)],
  };
}

async function writeFiles(
  directory: string,
  url: string,
  contents: Readonly<Record<'trustedRoot' | 'rekorKey' | 'ctKey' | 'fulcioRoot', string>>,
): Promise<Sigstore['files']> {
  const service = [{ url, majorApiVersion: 1, validFor: { start: '2020-01-01T00:00:00Z' }, operator: 'test' }];
  const signingConfig = JSON.stringify({
    mediaType: 'application/vnd.dev.sigstore.signingconfig.v0.2+json',
    ...{ caUrls: service, rekorTlogUrls: service, rekorTlogConfig: { selector: 'ANY' }, tsaConfig: {} },
  });
  const own = await mkdtemp(join(directory, 'sigstore-'));
  const written = Object.entries({ ...contents, signingConfig }).map(async ([name, content]) => {
    const path = join(own, name);
    await writeFile(path, content);
    return [name, path] as const;
  });
  return Object.fromEntries(await Promise.all(written)) as Sigstore['files'];
}

function publicKeyPem(bytes: Buffer): string {
  const isPem = bytes.toString().startsWith('-----');
  const key: KeyObject = createPublicKey(isPem ? bytes.toString() : { key: bytes, format: 'der', type: 'spki' });
  return String(key.export({ type: 'spki', format: 'pem' }));
}

function asLines(certificate: string): string {
  return pem('CERTIFICATE', Buffer.from(certificate.replace(/-----[A-Z ]+-----|\s/g, ''), 'base64'));
}

function pem(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

function bytesOf(view: Certificate | string): Buffer {
  return typeof view === 'string' ? Buffer.from(view) : Buffer.from(view.buffer, view.byteOffset, view.byteLength);
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
