import { type ImagePolicy, scopeDepth } from '../../../manifests/index.ts';

/**
 * @param repository `registry/repository` in full.
 * @returns the policies whose scope covers most of the name; several of one depth all hold. None is empty.
 */
export function policiesFor(policies: readonly ImagePolicy[], repository: string): readonly ImagePolicy[] {
  const depths = policies.map((policy) => deepest(policy, repository));
  const most = Math.max(-1, ...depths);
  return most < 0 ? [] : policies.filter((_policy, index) => depths[index] === most);
}

function deepest({ repositories }: ImagePolicy, repository: string): number {
  return Math.max(-1, ...repositories.map((scope) => scopeDepth(scope, repository) ?? -1));
}
