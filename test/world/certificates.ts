import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeAuthority, NEW_KEY, openssl } from './openssl.ts';

/** PEM files of an authority, and of a server and a client it vouches for. */
export interface Certificates {
  readonly ca: string;
  readonly server: { readonly certificate: string; readonly key: string };
  readonly client: { readonly certificate: string; readonly key: string };
}

/** Makes certificates for 127.0.0.1 with openssl(1), in a directory that is there. */
export function makeCertificates(directory: string): Certificates {
  const at = (name: string): string => join(directory, name);
  makeAuthority({ key: at('ca.key'), certificate: at('ca.pem') }, '/CN=test ca');
  const issue = (name: string): { readonly certificate: string; readonly key: string } => {
    const [key, request, certificate, extensions] = [
      at(`${name}.key`),
      at(`${name}.csr`),
      at(`${name}.pem`),
      at('ext'),
    ];
    openssl('req', ...NEW_KEY, '-keyout', key, '-out', request, '-subj', `/CN=${name}`);
    writeFileSync(extensions, 'subjectAltName=IP:127.0.0.1\n');
    const signer = ['-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-CAcreateserial'];
    openssl('x509', '-req', '-in', request, ...signer, '-out', certificate, '-days', '2', '-extfile', extensions);
    return { certificate, key };
  };
  return { ca: at('ca.pem'), server: issue('server'), client: issue('client') };
}
