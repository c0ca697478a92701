import type { DesiredWorkload, Version } from './state.ts';

/**
 * Finds what a pod of an identity is made from. Versions that share an identity may differ in what is changed in place
 * (limits, labels, replicas), so a denied one never answers for an allowed one.
 * @returns the wanted version, else the last good one, whichever has that identity and may run.
 */
export function runnableVersion({ wanted, lastGood }: DesiredWorkload, identity: string): Version | undefined {
  const candidates = [wanted.state === 'judged' ? wanted : null, lastGood];
  return candidates.find(
    (candidate) => candidate?.version.identity === identity && candidate.verdict.decision !== 'deny',
  )?.version;
}
