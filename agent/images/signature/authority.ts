import type { KeyObject, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import {
  type Authority,
  type ImagePolicy,
  type KeylessIdentity,
  parseCertificates,
  parsePublicKey,
  type StringMap,
  type TextSource,
} from '../../../manifests/index.ts';
import { keyFingerprint } from './fingerprint.ts';
import type { TrustedKey } from './trusted-key.ts';

/** An authority with all that it takes to verify in its name. */
export type UsableAuthority = AuthorityTerms &
  (
    | { readonly type: 'key'; readonly key: KeyObject; readonly fingerprint: string }
    | {
        readonly type: 'keyless';
        /** JSON. */
        readonly trustedRoot: string;
        readonly identities: readonly KeylessIdentity[];
        readonly logEntries: number;
        readonly certificateLogs: number;
        readonly timestamps: number;
      }
    | {
        readonly type: 'notation';
        readonly certificates: readonly X509Certificate[];
        readonly identities: readonly StringMap[] | null;
      }
    | { readonly type: 'unusable'; readonly why: string }
  );

interface AuthorityTerms {
  /** As policies and people know it. */
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** Fingerprints. */
  readonly revoked: ReadonlySet<string>;
}

const LARGEST_FILE_BYTES = 256 * 1024;

/** @returns the keys of the agent's configuration as authorities. */
export function authoritiesOfKeys(keys: readonly TrustedKey[]): readonly UsableAuthority[] {
  return keys.map(({ name, key }) => {
    const terms = {
      name,
      notBefore: Number.NEGATIVE_INFINITY,
      notAfter: Number.POSITIVE_INFINITY,
      revoked: new Set<string>(),
    };
    return { ...terms, type: 'key', key, fingerprint: keyFingerprint(key) };
  });
}

/**
 * Reads what the authorities of a policy need, files of the node among it. One that cannot be read vouches for nothing and
 * says why. They are called `policy/authority`, so that no commit can take the name of a key of the node.
 */
export function authoritiesOfPolicy(policy: ImagePolicy): Promise<readonly UsableAuthority[]> {
  const revoked = new Set(policy.revoked);
  return Promise.all(
    policy.authorities.map(async (authority): Promise<UsableAuthority> => {
      const terms: AuthorityTerms = {
        name: authorityName(policy, authority.name),
        notBefore: authority.notBefore === null ? Number.NEGATIVE_INFINITY : Date.parse(authority.notBefore),
        notAfter: authority.notAfter === null ? Number.POSITIVE_INFINITY : Date.parse(authority.notAfter),
        revoked,
      };
      try {
        return { ...terms, ...(await materialOf(authority)) };
      } catch (error) {
        return { ...terms, type: 'unusable', why: (error as Error).message };
      }
    }),
  );
}

/** @returns what an authority of a policy is called outside it. */
export function authorityName(policy: Pick<ImagePolicy, 'name'>, name: string): string {
  return `${policy.name}/${name}`;
}

async function materialOf(authority: Authority): Promise<MaterialOfAuthority> {
  switch (authority.type) {
    case 'key': {
      const key = soundOnly(parsePublicKey(await textOf(authority.key)), authority.key);
      return { type: 'key', key, fingerprint: keyFingerprint(key) };
    }
    case 'keyless': {
      const { type, identities, logEntries, certificateLogs, timestamps } = authority;
      return {
        type,
        identities,
        logEntries,
        certificateLogs,
        timestamps,
        trustedRoot: await textOf(authority.trustedRoot),
      };
    }
    case 'notation': {
      const { type, identities } = authority;
      const certificates = soundOnly(parseCertificates(await textOf(authority.certificates)), authority.certificates);
      return { type, identities, certificates };
    }
    default:
      return authority satisfies never;
  }
}

type WithoutTerms<A> = A extends unknown ? Omit<A, keyof AuthorityTerms> : never;
type MaterialOfAuthority = WithoutTerms<Exclude<UsableAuthority, { readonly type: 'unusable' }>>;

async function textOf(source: TextSource): Promise<string> {
  if (source.type === 'inline') return source.text;
  const text = await readFile(source.path, 'utf8');
  if (text.length > LARGEST_FILE_BYTES) throw new Error(`${source.path} is larger than ${LARGEST_FILE_BYTES} bytes`);
  return text;
}

/** A file is as wrong as a text may be, but only found to be when it is read. */
function soundOnly<T>(parsed: T | string, source: TextSource): T {
  if (typeof parsed !== 'string') return parsed;
  throw new Error(`${source.type === 'file' ? source.path : 'the text'} ${parsed}`);
}
