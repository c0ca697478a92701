import { generateKeyPairSync, sign } from 'node:crypto';
import type { Sigstore } from './sigstore.ts';

const TYPE = 'application/vnd.in-toto+json';

/** Signs a statement by hand, for what cosign itself refuses to make. @returns a sigstore bundle */
export async function makeBundle(
  sigstore: Sigstore,
  identity: { readonly issuer: string; readonly subject: string },
  statement: object,
): Promise<Buffer> {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const content = publicKey.export({ type: 'spki', format: 'pem' });
  const credentials = { oidcIdentityToken: sigstore.token(identity) };
  const issued = await post(`${sigstore.url}/api/v2/signingCert`, {
    credentials,
    publicKeyRequest: { publicKey: { content } },
  });
  const [certificate] = issued.signedCertificateEmbeddedSct.chain.certificates;
  const body = Buffer.from(JSON.stringify(statement));
  const signed = Buffer.concat([Buffer.from(`DSSEv1 ${TYPE.length} ${TYPE} ${body.length} `), body]);
  const signatures = [{ sig: sign('sha256', signed, privateKey).toString('base64') }];
  const dsseEnvelope = { payload: body.toString('base64'), payloadType: TYPE, signatures };
  const verifiers = [Buffer.from(certificate).toString('base64')];
  const proposedContent = { envelope: JSON.stringify(dsseEnvelope), verifiers };
  const entered = await post(`${sigstore.url}/api/v1/log/entries`, {
    apiVersion: '0.0.1',
    kind: 'dsse',
    spec: { proposedContent },
  });
  const [entry] = Object.values<Entered>(entered);
  const rawBytes = certificate.replace(/-----[A-Z ]+-----|\s/g, '');
  const verificationMaterial = {
    x509CertificateChain: { certificates: [{ rawBytes }] },
    tlogEntries: [tlogEntry(entry)],
  };
  const mediaType = 'application/vnd.dev.sigstore.bundle+json;version=0.1';
  return Buffer.from(JSON.stringify({ mediaType, verificationMaterial, dsseEnvelope }));
}

interface Entered {
  readonly body: string;
  readonly integratedTime: number;
  readonly logID: string;
  readonly logIndex: number;
  readonly verification: { readonly signedEntryTimestamp: string };
}

function tlogEntry(entry: Entered | undefined): object {
  if (!entry) throw new Error('the log gave no entry');
  const { body, integratedTime, logID, logIndex, verification } = entry;
  return {
    ...{ logIndex: String(logIndex), logId: { keyId: Buffer.from(logID, 'hex').toString('base64') } },
    ...{ kindVersion: { kind: 'dsse', version: '0.0.1' }, integratedTime: String(integratedTime) },
    ...{ inclusionPromise: { signedEntryTimestamp: verification.signedEntryTimestamp }, canonicalizedBody: body },
  };
}

async function post(url: string, body: object) {
  const response = await fetch(url, { method: 'POST', body: JSON.stringify(body) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${url}: ${response.status} ${text}`);
  return JSON.parse(text);
}
