import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A key that signs commits: OpenSSH or OpenPGP. */
export type Signer = SshSigner | GpgSigner;

export interface SshSigner {
  readonly kind: 'ssh';
  /** As it stands in an allowed_signers file. */
  readonly principal: string;
  readonly keyFile: string;
  /** `ssh-ed25519 AAAA...` */
  readonly publicKey: string;
}

export interface GpgSigner {
  readonly kind: 'gpg';
  /** The GNUPGHOME that has the secret key. */
  readonly home: string;
  /** Of the primary key. */
  readonly fingerprint: string;
  /** Armored. */
  readonly publicKeyFile: string;
  /** Ends the gpg-agent that made the key. */
  stop(): Promise<void>;
}

/** Makes an ssh-ed25519 key pair `<directory>/<principal>`. */
export async function createSshSigner(options: {
  readonly directory: string;
  readonly principal: string;
}): Promise<SshSigner> {
  const { directory, principal } = options;
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const keyFile = join(directory, principal);
  await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', principal, '-f', keyFile]);
  const publicKey = (await readFile(`${keyFile}.pub`, 'utf8')).split(' ').slice(0, 2).join(' ');
  return { kind: 'ssh', principal, keyFile, publicKey };
}

/**
 * Writes an allowed_signers file (ssh-keygen(1), ALLOWED SIGNERS).
 * @param signers each with options of that format where wanted, such as `valid-before="20200101"`.
 */
export async function writeAllowedSigners(
  path: string,
  signers: readonly { readonly signer: SshSigner; readonly options?: string }[],
): Promise<void> {
  const lines = signers.map(({ signer, options }) =>
    [signer.principal, ['namespaces="git"', options].filter(Boolean).join(','), signer.publicKey].join(' '),
  );
  await writeFile(path, lines.map((line) => `${line}\n`).join(''));
}

/**
 * Makes an Ed25519 OpenPGP key in a private GNUPGHOME, valid for a day.
 * @param options directory: must be short, for the agent's sockets are in it. madeAt: what gpg takes for now,
 * `20200101T000000`, when making the key and when signing; the key has then long expired.
 */
export async function createGpgSigner(options: {
  readonly directory: string;
  readonly email: string;
  readonly madeAt?: string;
}): Promise<GpgSigner> {
  const { directory: home, email, madeAt } = options;
  await mkdir(home, { recursive: true, mode: 0o700 });
  const gpg = (...args: string[]) => run('gpg', ['--homedir', home, '--batch', ...args]);
  if (madeAt) await writeFile(join(home, 'gpg.conf'), `faked-system-time ${madeAt}!\n`);
  await gpg('--passphrase', '', '--quick-generate-key', email, 'ed25519', 'sign', '1d');
  const listing = (await gpg('--with-colons', '--list-keys', email)).stdout;
  const fingerprint = /^fpr:+([0-9A-F]{40}):/m.exec(listing)?.[1] ?? '';
  const publicKeyFile = join(home, 'public.asc');
  await writeFile(publicKeyFile, (await gpg('--armor', '--export', email)).stdout);
  return {
    kind: 'gpg',
    home,
    fingerprint,
    publicKeyFile,
    stop: async () => {
      await run('gpgconf', ['--homedir', home, '--kill', 'all']);
      await run('gpgconf', ['--homedir', home, '--remove-socketdir']);
    },
  };
}
