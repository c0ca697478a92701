import { createHash } from 'node:crypto';
import type { Revision, Source, SourceError } from '../../agent/source/index.ts';

/** A source without Git. */
export interface FakeSource extends Source {
  /** Makes these manifests the tip of the branch. @returns the commit. */
  commit(yaml: string): string;
  /** Makes an older commit the tip again. */
  goBackTo(commit: string): void;
  /** Every poll throws this; null lets them work again. */
  breakDown(error: SourceError | null): void;
  /** Commits cannot be read from the local copy any more. */
  loseLocalCopy(): void;
  readonly polls: number;
}

/** Makes a source without a commit; polling it then throws. */
export function createFakeSource(): FakeSource {
  const revisions = new Map<string, Revision>();
  let tip: Revision | undefined;
  let accepted: string | null = null;
  let broken: SourceError | null = null;
  let polls = 0;
  const find = (commit: string): Revision => {
    const revision = revisions.get(commit);
    if (revision === undefined) throw new Error(`the fake source has no commit ${commit}`);
    return revision;
  };
  return {
    get polls() {
      return polls;
    },
    commit: (text) => {
      const commit = createHash('sha1').update(`${revisions.size} ${text}`).digest('hex');
      const files = [{ path: 'fleet.yaml', text }];
      tip = { commit, signer: 'ops@example.org', committedAt: revisions.size, subject: 'a change', files };
      revisions.set(commit, tip);
      return commit;
    },
    goBackTo: (commit) => {
      tip = find(commit);
    },
    breakDown: (error) => {
      broken = error;
    },
    loseLocalCopy: () => revisions.clear(),
    poll: async () => {
      polls += 1;
      const polled = tip;
      await new Promise((resolve) => setImmediate(resolve));
      if (broken !== null) throw broken;
      if (polled === undefined) throw new Error('the fake source has no commit');
      accepted = polled.commit;
      return polled;
    },
    read: async (commit) => find(commit),
    accepted: async () => accepted,
  };
}
