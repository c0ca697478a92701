import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import * as z from 'zod';

/** What proves to a registry who asks. Never logged. */
export type Credentials =
  | { readonly kind: 'password'; readonly user: string; readonly password: string }
  /** An OAuth2 refresh token, for the token service only. */
  | { readonly kind: 'identity-token'; readonly token: string };

const answer = z.object({ Username: z.string(), Secret: z.string() });

/** By this user name a helper says that the secret is an OAuth2 refresh token. */
const TOKEN_USER = '<token>';

const TIMEOUT_MS = 10_000;
const MAX_ANSWER_BYTES = 1024 * 1024;

/**
 * Runs `docker-credential-<name> get` (docker-credential-helpers), found in PATH.
 * @param server what to ask for, on its standard input.
 * @returns null when the helper has nothing for the server.
 * @throws Error naming the helper when it is missing, fails or answers something else; never with what it wrote
 */
export async function askHelper(name: string, server: string): Promise<Credentials | null> {
  const program = `docker-credential-${name}`;
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name)) throw new Error(`the credential helper ${program} has no sound name`);
  const running = promisify(execFile)(program, ['get'], {
    env: process.env,
    timeout: TIMEOUT_MS,
    maxBuffer: MAX_ANSWER_BYTES,
  });
  running.child.stdin?.on('error', () => undefined);
  running.child.stdin?.end(`${server}\n`);
  const text = await running.then(
    ({ stdout }) => stdout,
    (error: { readonly code?: string | number; readonly stdout?: string }) => {
      if (/credentials not found/i.test(error.stdout ?? '')) return null;
      const why = error.code === 'ENOENT' ? 'is not in PATH' : `failed (${error.code ?? 'it took too long'})`;
      throw new Error(`the credential helper ${program} ${why}`);
    },
  );
  if (text === null) return null;
  const { Username, Secret } = parse(text, program);
  if (Username === TOKEN_USER) return { kind: 'identity-token', token: Secret };
  return { kind: 'password', user: Username, password: Secret };
}

function parse(text: string, program: string): z.infer<typeof answer> {
  try {
    return answer.parse(JSON.parse(text));
  } catch {
    throw new Error(`the credential helper ${program} did not answer with Username and Secret`);
  }
}
