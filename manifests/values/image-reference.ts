import { quoted } from '../text/quoted.ts';

/** An image reference with nothing left implicit. */
export interface ImageReference {
  /** Host, with its port if one was written: `docker.io`, `127.0.0.1:5000`. */
  readonly registry: string;
  /** `library/busybox` */
  readonly repository: string;
  /** `latest` when neither a tag nor a digest was written. */
  readonly tag: string | null;
  /** `sha256:` and 64 hex digits. */
  readonly digest: string | null;
}

const DEFAULT_REGISTRY = 'docker.io';
/** The older name of the same registry. */
const OLD_DEFAULT_REGISTRY = 'index.docker.io';
const LONGEST_NAME = 255;

const LABEL = '[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?';
const REGISTRY = new RegExp(`^(?:${LABEL}(?:\\.${LABEL})*|\\[[0-9a-fA-F:]+\\])(?::([0-9]{1,5}))?$`);
const COMPONENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const TAG = /^\w[\w.-]{0,127}$/;
const DIGEST = /^sha256:[0-9a-f]{64}$/;

/**
 * Reads an image reference as Docker and Kubernetes do (distribution's reference grammar), filling in registry, `library/`
 * and `latest`. Only SHA-256 digests are supported.
 * @returns the reference, or a sentence saying what is wrong with it.
 */
export function parseImageReference(text: string): ImageReference | string {
  const [named = '', digest = null, ...more] = text.split('@');
  if (more.length > 0) return `${quoted(text)} has more than one \`@\``;
  if (digest !== null && !DIGEST.test(digest)) {
    return `${quoted(text)} has a malformed digest; write \`@sha256:\` and 64 lower-case hex digits`;
  }
  const { name, tag } = splitTag(named);
  if (tag !== null && !TAG.test(tag)) {
    return `${quoted(text)} has a malformed tag; a tag is up to 128 letters, digits, \`_\`, \`.\` and \`-\``;
  }
  const { registry, repository } = splitRegistry(name);
  const problem = nameProblem(text, registry, repository);
  return problem ?? { registry, repository, tag: tag ?? (digest === null ? 'latest' : null), digest };
}

/** @returns the reference as text that parses to the same reference. */
export function formatImageReference(reference: ImageReference): string {
  const tag = reference.tag === null ? '' : `:${reference.tag}`;
  const digest = reference.digest === null ? '' : `@${reference.digest}`;
  return `${reference.registry}/${reference.repository}${tag}${digest}`;
}

function splitTag(named: string): { readonly name: string; readonly tag: string | null } {
  const colon = named.lastIndexOf(':');
  if (colon < 0 || named.indexOf('/', colon) >= 0) return { name: named, tag: null };
  return { name: named.slice(0, colon), tag: named.slice(colon + 1) };
}

/** The first component is a registry when nothing else could look like it: with a dot, a port or a capital, or `localhost`. */
function splitRegistry(name: string): { readonly registry: string; readonly repository: string } {
  const slash = name.indexOf('/');
  const first = name.slice(0, Math.max(slash, 0));
  const isRegistry = /[.:[]/.test(first) || first === 'localhost' || first.toLowerCase() !== first;
  const registry = isRegistry && first !== OLD_DEFAULT_REGISTRY ? first : DEFAULT_REGISTRY;
  const repository = isRegistry ? name.slice(slash + 1) : name;
  const isOfficial = registry === DEFAULT_REGISTRY && repository !== '' && !repository.includes('/');
  return { registry, repository: isOfficial ? `library/${repository}` : repository };
}

function nameProblem(text: string, registry: string, repository: string): string | null {
  if (text !== text.trim()) return `${quoted(text)} has white space around it; remove it`;
  const port = REGISTRY.exec(registry);
  if (!port || Number(port[1] ?? 1) > 65_535 || Number(port[1] ?? 1) < 1) {
    return `${quoted(text)} has a malformed registry ${quoted(registry)}; write \`host\` or \`host:port\``;
  }
  if (repository === '') return `${quoted(text)} names no image; write \`registry/name:tag\``;
  const malformed = repository.split('/').find((component) => !COMPONENT.test(component));
  if (malformed !== undefined) {
    return `${quoted(text)} has a malformed name part ${quoted(malformed)}; use lower-case letters, digits, \`.\`, \`_\` and \`-\` between them`;
  }
  if (/^(?:library\/)?[0-9a-f]{64}$/.test(repository))
    return `${quoted(text)} is an image id, not a name; write a name`;
  if (registry.length + 1 + repository.length > LONGEST_NAME) {
    return `${quoted(text)} has a name longer than ${LONGEST_NAME} characters; shorten it`;
  }
  return null;
}
