import type { MaterialFacts, SourceFacts } from '../../../policies/index.ts';

/** `git+https://host/path.git@ref`, as SPDX download locations and SLSA materials have it; or a URL of a Git repository. */
const GIT_URI =
  /^(?:git\+(?<url>[a-z+]+:\/\/(?:[^@/\s]+@)?[^@#\s]+)|(?<bare>https:\/\/[^@#\s]+\.git|git:\/\/[^@#\s]+))(?:@(?<ref>[^#\s]+))?(?:#\S*)?$/;
const COMMIT = /^([0-9a-f]{40}|[0-9a-f]{64})$/;

/** @returns the Git commit that a material of a build is, or null when it is none. */
export function sourceOf({ uri, digest }: MaterialFacts): SourceFacts | null {
  const { url, bare, ref = null } = GIT_URI.exec(uri)?.groups ?? {};
  const location = url ?? bare;
  if (location === undefined) return null;
  const commit = digest.gitCommit ?? digest.sha1 ?? (ref !== null && COMMIT.test(ref) ? ref : null);
  return { repository: location.replace(/\/+$/, '').replace(/\.git$/, ''), ref, commit };
}
