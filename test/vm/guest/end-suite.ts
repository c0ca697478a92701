import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Suite } from './check.ts';
import { containerPids, PODS_CGROUP, systemctl } from './node.ts';

/** Stopping the unit of the containers is how a person empties a node. */
export async function endSuite({ check }: Suite): Promise<void> {
  await check('ends with all its containers when the unit they live in is stopped', async () => {
    const pids = Object.values(await containerPids());
    assert.equal(pids.length, 4);
    await systemctl('stop', 'holdfast-pods.service');
    assert.deepEqual(
      pids.filter((pid) => existsSync(`/proc/${pid}`)),
      [],
    );
    assert.equal(await systemctl('show', '--property=ActiveState', '--value', 'holdfast.service'), 'inactive');
    assert.equal(existsSync(join('/sys/fs/cgroup', PODS_CGROUP)), false);
  });
}
