import { parseImageReference } from './image-reference.ts';

const EVERYTHING = '*';

/**
 * Reads what an ImagePolicy says of the repositories it is for: a registry, or a registry and a path of which whole
 * components count, or `*`.
 * @returns a sentence on what is wrong with it, or null.
 */
export function repositoryScopeProblem(text: string): string | null {
  if (text === EVERYTHING) return null;
  const example = 'must be a registry and a path such as `registry.example.org/team`, a registry alone, or `*`';
  // Any image below it, which must come out as it went in: no registry is filled in, and there is no tag.
  const probe = parseImageReference(`${text}/image`);
  if (typeof probe === 'string') return `${example}; ${probe.replace('/image`', '`')}`;
  const [registry] = text.split('/');
  if (text === 'docker.io') return null;
  if (registry === probe.registry && `${probe.registry}/${probe.repository}` === `${text}/image`) return null;
  return `${example}; Docker Hub's own images are at \`docker.io/library\``;
}

/**
 * @param image `registry/repository` in full.
 * @returns how much of the name a scope covers, in components: the more, the nearer; null when it does not match.
 */
export function scopeDepth(scope: string, image: string): number | null {
  if (scope === EVERYTHING) return 0;
  const [above, below] = [withHostInLowerCase(scope), withHostInLowerCase(image)];
  return below === above || below.startsWith(`${above}/`) ? above.split('/').length : null;
}

function withHostInLowerCase(name: string): string {
  return name.replace(/^[^/]*/, (host) => host.toLowerCase());
}
