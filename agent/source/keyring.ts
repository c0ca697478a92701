import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Environment } from './git-environment.ts';
import { SourceError } from './source.ts';

/** Every key in this private home was configured, so every key in it is trusted, and no other key can be. */
const GPG_CONFIG = 'no-autostart\nno-auto-key-retrieve\ntrust-model always\n';

/**
 * Makes a GnuPG home that holds exactly the configured keys, mode 0700. Its name is the digest of the keys,
 * so that a changed file gives a new home and an unchanged one costs a stat.
 * @param options keyring: armored public keys, or null for a home that trusts nobody.
 * @returns the path, for GNUPGHOME.
 * @throws SourceError `misconfigured` when gpg cannot read the keys.
 */
export async function prepareKeyring(options: {
  readonly keyring: string | null;
  readonly directory: string;
  readonly environment: Environment;
}): Promise<string> {
  const { keyring, directory, environment } = options;
  const keys = keyring === null ? '' : await readFile(keyring, 'utf8').catch(() => unreadable(keyring));
  const home = join(directory, `gnupg-${createHash('sha256').update(keys).digest('hex').slice(0, 16)}`);
  if (await isDirectory(home)) return home;
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const draft = await mkdtemp(join(directory, 'gnupg-new-'));
  try {
    await writeFile(join(draft, 'gpg.conf'), GPG_CONFIG, { mode: 0o600 });
    if (keyring !== null) await importKeys(draft, keys, { keyring, environment });
    await rename(draft, home).catch(async (error) => {
      if (!(await isDirectory(home))) throw error;
    });
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return home;
}

async function importKeys(
  home: string,
  keys: string,
  from: { readonly keyring: string; readonly environment: Environment },
): Promise<void> {
  const file = join(home, 'configured-keys.asc');
  await writeFile(file, keys, { mode: 0o600 });
  const run = promisify(execFile);
  await run('gpg', ['--homedir', home, '--batch', '--quiet', '--import', file], { env: from.environment }).catch(
    (error: Error) => {
      throw new SourceError('misconfigured', `source.gpgKeyring: gpg cannot import ${from.keyring}: ${error.message}`);
    },
  );
}

async function isDirectory(path: string): Promise<boolean> {
  return stat(path).then(
    (entry) => entry.isDirectory(),
    () => false,
  );
}

function unreadable(path: string): never {
  throw new SourceError('misconfigured', `source.gpgKeyring: cannot read ${path}`);
}
