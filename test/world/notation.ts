import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { makeAuthority, NEW_KEY, openssl } from './openssl.ts';
import { toolPath } from './tools.ts';

/** An authority of one's own, and somebody it vouches for, who signs with notation. */
export interface NotationSigner {
  /** PEM of the authority. */
  readonly root: string;
  /** PEM of the signer's certificate. */
  readonly certificate: string;
  readonly chainFile: string;
  readonly keyFile: string;
}

/**
 * Makes an authority and a certificate for signing with openssl(1).
 * @param options subject as openssl takes it, such as `/C=DE/O=acme/CN=builds`; extensions in place of those for signing.
 */
export function makeNotationSigner(
  directory: string,
  options: { readonly subject: string; readonly extensions?: string },
): NotationSigner {
  const at = (name: string): string => join(directory, `${id}-${name}`);
  const id = randomUUID();
  makeAuthority({ key: at('ca.key'), certificate: at('ca.pem') }, '/CN=test root', [
    'keyUsage=critical,keyCertSign,cRLSign',
  ]);
  openssl('req', ...NEW_KEY, '-keyout', at('leaf.key'), '-out', at('leaf.csr'), '-subj', options.subject);
  const forSigning = 'basicConstraints=CA:false\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=codeSigning\n';
  writeFileSync(at('ext'), options.extensions ?? forSigning);
  const signer = ['-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-CAcreateserial'];
  openssl(
    'x509',
    '-req',
    '-in',
    at('leaf.csr'),
    ...signer,
    '-out',
    at('leaf.pem'),
    '-days',
    '2',
    '-extfile',
    at('ext'),
  );
  const [certificate, root] = [readFileSync(at('leaf.pem'), 'utf8'), readFileSync(at('ca.pem'), 'utf8')];
  writeFileSync(at('chain.pem'), `${certificate}${root}`);
  return { root, certificate, chainFile: at('chain.pem'), keyFile: at('leaf.key') };
}

/** Signs an image in a loopback registry with the real notation. */
export async function signWithNotation(
  signer: NotationSigner,
  options: {
    readonly reference: string;
    readonly directory: string;
    readonly format?: 'jws' | 'cose';
    /** Hours and minutes, such as `1h`. */
    readonly expiry?: string;
  },
): Promise<void> {
  const home = join(options.directory, `notation-${randomUUID()}`);
  mkdirSync(join(home, 'notation'), { recursive: true });
  const key = { name: 'test', keyPath: signer.keyFile, certPath: signer.chainFile };
  writeFileSync(join(home, 'notation/signingkeys.json'), JSON.stringify({ default: 'test', keys: [key] }));
  const expiry = options.expiry === undefined ? [] : ['--expiry', options.expiry];
  const format = ['--signature-format', options.format ?? 'jws'];
  await promisify(execFile)(
    toolPath('notation'),
    ['sign', '--insecure-registry', ...format, ...expiry, options.reference],
    { cwd: options.directory, env: { ...process.env, HOME: options.directory, XDG_CONFIG_HOME: home } },
  );
}
