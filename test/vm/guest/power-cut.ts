import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Suite, until } from './check.ts';
import { tellHost } from './host-line.ts';
import { podCgroups, pushCommit, STATE_DIR } from './node.ts';

const MOMENT_MS = 600_000;
const LOOK_MS = 3;

/** A moment in the middle of a convergence. */
export type Moment = 'pulling' | 'starting';

/** Commits, waits for the moment, and has the power cut there: it never returns when all goes well. */
export async function convergeIntoPowerCut({ check }: Suite, cut: { commit: string; moment: Moment }): Promise<void> {
  await check(`is ${cut.moment} a new version when the power goes`, async () => {
    const isThere = cut.moment === 'pulling' ? isPulling : await isStarting();
    await pushCommit(cut.commit);
    await until(`it is ${cut.moment}`, MOMENT_MS, async () => isThere() || null, LOOK_MS);
  });
  tellHost({ type: 'cut-power' });
  await sleep(MOMENT_MS);
}

/** A layer is on its way into the store, which the registry holds back. */
function isPulling(): boolean {
  return childrenOf(join(STATE_DIR, 'images/tmp')).length > 0;
}

/** A pod that was not there has a container's writable layer, and maybe not yet the container. */
async function isStarting(): Promise<() => boolean> {
  const before = new Set(await podCgroups());
  return () => childrenOf(join(STATE_DIR, 'containers')).some((pod) => !before.has(pod));
}

function childrenOf(directory: string): readonly string[] {
  return existsSync(directory) ? readdirSync(directory) : [];
}
