/** The one host whose API lives elsewhere. */
const DOCKER_HUB_API = 'registry-1.docker.io';

/** Decides the URL scheme: plain HTTP only for registries that the configuration lists, for all others HTTPS. */
export interface Transport {
  /** @returns the URL of a path of a registry's API. */
  url(registry: string, path: string): URL;
  /** @returns whether a URL that a registry named (a redirect, a token realm) may be followed. */
  isAllowed(url: URL): boolean;
}

/** @param insecure `host` or `host:port` of the registries reached over plain HTTP. */
export function createTransport(insecure: readonly string[]): Transport {
  return {
    url: (registry, path) => {
      const scheme = insecure.includes(registry) ? 'http' : 'https';
      return new URL(`${scheme}://${registry === 'docker.io' ? DOCKER_HUB_API : registry}${path}`);
    },
    isAllowed: (url) => url.protocol === 'https:' || (url.protocol === 'http:' && insecure.includes(url.host)),
  };
}
