import { ImageError } from '../image-source.ts';
import type { Challenge } from './challenge.ts';
import type { Credentials } from './credential-program.ts';
import { findCredentials } from './credentials.ts';
import type { HttpClient, HttpRequest } from './http-exchange.ts';
import { readWhole } from './read-whole.ts';
import { RegistryBusyError } from './retry.ts';
import type { RegistryTarget } from './target.ts';
import type { Transport } from './transport.ts';

/** A token answer larger than this is not one. */
const TOKEN_BYTES = 1024 * 1024;

/** Answers a registry's challenge with the value of an Authorization header. */
export interface Authorizer {
  /** @throws ImageError `unauthorized` or `unreachable` */
  authorize(target: RegistryTarget, challenge: Challenge): Promise<string>;
}

/** @param authFile a Docker `config.json`, or null for anonymous access only. */
export function createAuthorizer(http: HttpClient, transport: Transport, authFile: string | null): Authorizer {
  return {
    authorize: async (target, challenge) => {
      const credentials = await credentialsFor(target, authFile);
      if (challenge.scheme === 'bearer')
        return `Bearer ${await fetchToken(http, transport, target, challenge, credentials)}`;
      if (credentials?.kind === 'password') return basic(credentials);
      const advice = authFile === null ? 'set a registry credentials file' : `add ${target.registry} to ${authFile}`;
      throw refused(target, `${target.registry} asks for a password: ${advice}`);
    },
  };
}

async function credentialsFor(target: RegistryTarget, authFile: string | null): Promise<Credentials | null> {
  if (authFile === null) return null;
  try {
    return await findCredentials(authFile, target.registry);
  } catch (cause) {
    throw new ImageError('unauthorized', target.reference, `${target.reference}: ${(cause as Error).message}`, {
      cause,
    });
  }
}

/**
 * Docker's token flow: a GET of the realm, with the password when there is one, anonymous otherwise; with a refresh
 * token a POST as OAuth2 has it (distribution spec, token/oauth).
 */
async function fetchToken(
  http: HttpClient,
  transport: Transport,
  target: RegistryTarget,
  challenge: Challenge & { readonly scheme: 'bearer' },
  credentials: Credentials | null,
): Promise<string> {
  const url = tokenUrl(transport, target, challenge);
  const response = await http.send(tokenRequest(url, credentials)).catch((cause: Error) => {
    const message = `${target.reference}: the token service ${url.host} cannot be reached: ${cause.message}`;
    throw new ImageError('unreachable', target.reference, message, { cause });
  });
  const status = response.statusCode ?? 0;
  const bytes = await readWhole(http.body(response), TOKEN_BYTES, target.reference);
  if (status === 429 || status >= 500) {
    throw new RegistryBusyError(target.reference, `${target.reference}: the token service answered ${status}`, null);
  }
  const token = status === 200 ? tokenIn(bytes) : null;
  if (token === null) throw refused(target, `the token service ${url.host} refused access (status ${status})`);
  return token;
}

function tokenRequest(url: URL, credentials: Credentials | null): HttpRequest {
  if (credentials?.kind === 'password') return { url, headers: { authorization: basic(credentials) } };
  if (credentials === null) return { url, headers: {} };
  const form = new URLSearchParams({ grant_type: 'refresh_token', client_id: 'holdfast' });
  for (const [name, value] of url.searchParams) form.set(name, value);
  form.set('refresh_token', credentials.token);
  return {
    url: new URL(url.pathname, url),
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: form.toString(),
  };
}

function tokenUrl(transport: Transport, target: RegistryTarget, challenge: Challenge & { scheme: 'bearer' }): URL {
  const url = URL.parse(challenge.realm);
  if (!url || !transport.isAllowed(url)) {
    throw refused(target, `${target.registry} names the token service ${challenge.realm}, which is not HTTPS`);
  }
  if (challenge.service !== null) url.searchParams.set('service', challenge.service);
  url.searchParams.set('scope', challenge.scope ?? `repository:${target.repository}:pull`);
  return url;
}

function tokenIn(bytes: Buffer): string | null {
  try {
    const answer: { token?: unknown; access_token?: unknown } = JSON.parse(bytes.toString('utf8'));
    const token = answer.token ?? answer.access_token;
    return typeof token === 'string' && /^[\x21-\x7e]+$/.test(token) ? token : null;
  } catch {
    return null;
  }
}

function basic(credentials: Extract<Credentials, { kind: 'password' }>): string {
  return `Basic ${Buffer.from(`${credentials.user}:${credentials.password}`).toString('base64')}`;
}

function refused(target: RegistryTarget, message: string): ImageError {
  return new ImageError('unauthorized', target.reference, `${target.reference}: ${message}`);
}
