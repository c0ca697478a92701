import * as z from 'zod';
import { BackendError } from '../errors.ts';
import type { OciSeccomp } from '../oci.ts';
import { compileSeccomp } from './compile.ts';
import { strictSeccomp } from './profile-schema.ts';

const STAGE = 'read seccomp profile';

/** What Docker's own profiles have beside the specification: conditions that would have to hold, not to be left out. */
const HINTS: Readonly<Record<string, string>> = {
  archMap: 'list them in `architectures`',
  includes: 'write the profile for this case without it',
  excludes: 'write the profile for this case without it',
  listenerMetadata: 'a listener is not supported',
};

/**
 * Reads a profile in the form of the OCI runtime-spec, as JSON, and compiles it once.
 * https://github.com/opencontainers/runtime-spec/blob/v1.2.0/config-linux.md#seccomp
 * @throws BackendError `invalid-spec` naming every field that is wrong or unknown.
 */
export function parseSeccompProfile(text: string): OciSeccomp {
  const parsed = strictSeccomp.safeParse(parseJson(text));
  if (!parsed.success) {
    throw new BackendError('invalid-spec', STAGE, parsed.error.issues.flatMap(complaintsOf).join('; '));
  }
  compileSeccomp(parsed.data);
  return parsed.data;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new BackendError('invalid-spec', STAGE, (cause as Error).message, { cause });
  }
}

function complaintsOf(issue: z.core.$ZodIssue): readonly string[] {
  if (issue.code !== 'unrecognized_keys') return [`${z.core.toDotPath(issue.path) || 'the profile'}: ${issue.message}`];
  return issue.keys.map((key) => {
    const path = z.core.toDotPath([...issue.path, key]);
    return `${path}: is no field of an OCI seccomp profile; ${HINTS[key] ?? 'remove it'}`;
  });
}
