import { execFileSync } from 'node:child_process';

/** What makes a new key of P-256 that no passphrase guards. */
export const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'] as const;

/** Runs openssl(1). Throws with what it says when it fails. */
export function openssl(...args: readonly string[]): void {
  execFileSync('openssl', args, { stdio: 'pipe' });
}

/** Makes an authority that has signed itself, for two days. @param extensions such as `keyUsage=critical,keyCertSign` */
export function makeAuthority(
  files: { readonly key: string; readonly certificate: string },
  subject: string,
  extensions: readonly string[] = [],
): void {
  const [out, also] = [
    ['-keyout', files.key, '-out', files.certificate],
    extensions.flatMap((extension) => ['-addext', extension]),
  ];
  openssl('req', '-x509', ...NEW_KEY, ...out, '-days', '2', '-subj', subject, ...also);
}
