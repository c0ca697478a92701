import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
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

const OFFLINE = ['--tlog-upload=false', '--allow-insecure-registry', '--allow-http-registry'];

async function cosign(directory: string, args: readonly string[]): Promise<void> {
  await run(toolPath('cosign'), [...args], { cwd: directory, env: { ...process.env, COSIGN_PASSWORD: PASSWORD } });
}
