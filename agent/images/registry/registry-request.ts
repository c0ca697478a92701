import type { IncomingMessage } from 'node:http';
import { ImageError } from '../image-source.ts';
import type { Authorizer } from './authorization.ts';
import { parseChallenge } from './challenge.ts';
import type { HttpClient } from './http-exchange.ts';
import { RegistryBusyError } from './retry.ts';
import type { RegistryTarget } from './target.ts';
import type { Transport } from './transport.ts';

const MAX_REDIRECTS = 5;

/** Sends one authorized request to a registry's API, a GET unless said otherwise. */
export type RegistryRequest = (
  target: RegistryTarget,
  path: string,
  headers: Readonly<Record<string, string>>,
  method?: 'GET' | 'HEAD',
) => Promise<IncomingMessage>;

/**
 * Makes the request function: answers a challenge once and remembers the answer for the repository, follows redirects
 * without carrying the credentials to another host, and turns every status but 200 and 206 into an ImageError.
 */
export function createRegistryRequest(http: HttpClient, transport: Transport, authorizer: Authorizer): RegistryRequest {
  const remembered = new Map<string, string>();
  return async (target, path, headers, method = 'GET') => {
    const url = transport.url(target.registry, path);
    const key = `${target.registry}/${target.repository}`;
    const send = (authorization: string | undefined): Promise<IncomingMessage> =>
      follow(http, transport, target, { url, method, headers: withAuthorization(headers, authorization) });
    let response = await send(remembered.get(key));
    if (response.statusCode === 401) {
      const challenge = parseChallenge(response.headers['www-authenticate']);
      response.destroy();
      if (challenge) {
        const authorization = await authorizer.authorize(target, challenge);
        remembered.set(key, authorization);
        response = await send(authorization);
      }
    }
    return checkStatus(response, target, path);
  };
}

type Headers = Readonly<Record<string, string>>;

function withAuthorization(headers: Headers, authorization: string | undefined): Headers {
  return authorization === undefined ? headers : { ...headers, authorization };
}

async function follow(
  http: HttpClient,
  transport: Transport,
  target: RegistryTarget,
  { url: start, method, headers }: { readonly url: URL; readonly method: 'GET' | 'HEAD'; readonly headers: Headers },
): Promise<IncomingMessage> {
  const { authorization: _kept, ...publicHeaders } = headers;
  let url = start;
  for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
    const response = await http
      .send({ url, method, headers: url.origin === start.origin ? headers : publicHeaders })
      .catch((cause: Error) => {
        const message = `${target.reference}: ${url.host} cannot be reached: ${cause.message || cause.name}`;
        throw new ImageError('unreachable', target.reference, message, { cause });
      });
    const location = redirectOf(response);
    if (location === null) return response;
    response.destroy();
    const next = URL.parse(location, url.href);
    if (!next || !transport.isAllowed(next)) {
      const message = `${target.reference}: ${url.host} redirects to ${next?.origin ?? location}, which is not HTTPS`;
      throw new ImageError('unreachable', target.reference, message);
    }
    url = next;
  }
  throw new ImageError('unreachable', target.reference, `${target.reference}: more than ${MAX_REDIRECTS} redirects`);
}

function redirectOf(response: IncomingMessage): string | null {
  const isRedirect = [301, 302, 303, 307, 308].includes(response.statusCode ?? 0);
  return isRedirect ? (response.headers.location ?? null) : null;
}

function checkStatus(response: IncomingMessage, target: RegistryTarget, path: string): IncomingMessage {
  const status = response.statusCode ?? 0;
  const encoding = response.headers['content-encoding'] ?? 'identity';
  if ((status === 200 || status === 206) && encoding === 'identity') return response;
  response.destroy();
  const { reference, registry } = target;
  if (status === 401 || status === 403) {
    throw new ImageError('unauthorized', reference, `${reference}: ${registry} refuses access (status ${status})`);
  }
  if ([400, 404, 405, 410, 501].includes(status)) {
    throw new ImageError('not-found', reference, `${reference}: ${registry} has no ${path} (status ${status})`);
  }
  const message = `${reference}: ${registry} answered ${path} with status ${status} (${encoding})`;
  throw new RegistryBusyError(reference, message, retryAfter(response));
}

/** Both forms of RFC 9110 section 10.2.3: seconds, or a date. */
function retryAfter(response: IncomingMessage): number | null {
  const written = response.headers['retry-after'] ?? '';
  const ms = /^\d+$/.test(written) ? Number(written) * 1000 : Date.parse(written) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : null;
}
