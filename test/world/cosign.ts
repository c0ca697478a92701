import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Sigstore } from './sigstore.ts';
import { toolPath } from './tools.ts';

const run = promisify(execFile);

const PASSWORD = 'test';

/** A cosign key pair in files. */
export interface CosignKey {
  readonly privateKeyFile: string;
  /** PEM. */
  readonly publicKeyFile: string;
}

/** Makes a key pair with the real cosign, in an existing directory. */
export async function generateKey(directory: string, name = 'cosign'): Promise<CosignKey> {
  await cosign(directory, ['generate-key-pair', '--output-key-prefix', name]);
  return { privateKeyFile: join(directory, `${name}.key`), publicKeyFile: join(directory, `${name}.pub`) };
}

/** Signs an image in a loopback registry: cosign 2's own format, a tag beside the image. Offline: no log is asked. */
export async function sign(options: { readonly key: CosignKey; readonly reference: string }): Promise<void> {
  const { key, reference } = options;
  await cosign('/', ['sign', '--yes', '--key', key.privateKeyFile, ...OFFLINE, reference]);
}

/**
 * Attests something about an image as a sigstore bundle that refers to it, which is how cosign 3 signs too.
 * @param predicateType `https://sigstore.dev/cosign/sign/v1` for what counts as a signature.
 */
export async function attestBundle(options: {
  readonly key: CosignKey;
  readonly reference: string;
  readonly predicateType: string;
  /** For the predicate. */
  readonly directory: string;
}): Promise<void> {
  const predicate = join(options.directory, 'predicate.json');
  await writeFile(predicate, '{}');
  const what = ['--predicate', predicate, '--type', options.predicateType, '--new-bundle-format'];
  await cosign('/', ['attest', '--yes', '--key', options.key.privateKeyFile, ...OFFLINE, ...what, options.reference]);
}

/** Who signs: somebody with a key, or an identity that a sigstore on loopback vouches for. */
export type SigningParty =
  | { readonly key: CosignKey; readonly sigstore?: never }
  | { readonly sigstore: Sigstore; readonly issuer: string; readonly subject: string; readonly key?: never };

/** How a statement is signed. */
export interface Signing {
  readonly by: SigningParty;
  readonly reference: string;
  /** cosign 2 keeps it beside the image under a tag, cosign 3 in a bundle that refers to it. */
  readonly tool: 'cosign' | 'cosign3';
  /** Of the test's own, for what cosign reads and writes. */
  readonly directory: string;
  /** Unless it is given, the image is signed. */
  readonly attestation?: { readonly predicateType: string; readonly predicate: object };
}

/** Signs an image, or attests something about it, with the real cosign as its release does by itself. */
export async function signAs({ by, reference, tool, directory, attestation }: Signing): Promise<void> {
  const what = attestation ? await predicateArgs(directory, attestation) : ['sign'];
  const place = ['--yes', '--allow-insecure-registry', '--allow-http-registry'];
  const { files } = by.sigstore ?? {};
  const known = files
    ? {
        SIGSTORE_ROOT_FILE: files.fulcioRoot,
        SIGSTORE_REKOR_PUBLIC_KEY: files.rekorKey,
        SIGSTORE_CT_LOG_PUBLIC_KEY_FILE: files.ctKey,
      }
    : {};
  await run(toolPath(tool), [...what, ...place, ...(await partyArgs(by, tool, directory)), reference], {
    cwd: directory,
    env: { ...process.env, ...known, HOME: directory, COSIGN_PASSWORD: PASSWORD },
  });
}

async function predicateArgs(
  directory: string,
  { predicateType, predicate }: NonNullable<Signing['attestation']>,
): Promise<readonly string[]> {
  const file = join(directory, `predicate-${randomUUID()}.json`);
  await writeFile(file, JSON.stringify(predicate));
  return ['attest', '--predicate', file, '--type', predicateType];
}

async function partyArgs(by: SigningParty, tool: Signing['tool'], directory: string): Promise<readonly string[]> {
  if (by.sigstore) {
    const { sigstore, issuer, subject } = by;
    const token = ['--identity-token', sigstore.token({ issuer, subject })];
    if (tool === 'cosign') return [...token, '--fulcio-url', sigstore.url, '--rekor-url', sigstore.url];
    const { signingConfig, trustedRoot } = sigstore.files;
    return [...token, '--signing-config', signingConfig, '--trusted-root', trustedRoot];
  }
  const key = ['--key', by.key.privateKeyFile];
  if (tool === 'cosign') return [...key, '--tlog-upload=false'];
  const config = join(directory, `offline-${randomUUID()}.json`);
  const root = join(directory, `no-root-${randomUUID()}.json`);
  await run(toolPath(tool), ['signing-config', 'create', '--out', config]);
  await writeFile(root, '{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"}');
  return [...key, '--signing-config', config, '--trusted-root', root];
}

const OFFLINE = ['--tlog-upload=false', '--allow-insecure-registry', '--allow-http-registry'];

async function cosign(directory: string, args: readonly string[]): Promise<void> {
  await run(toolPath('cosign'), [...args], { cwd: directory, env: { ...process.env, COSIGN_PASSWORD: PASSWORD } });
}
