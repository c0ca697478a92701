import assert from 'node:assert/strict';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { NodeStatus } from '../../../manifests/index.ts';
import type { Suite } from './check.ts';
import { podCgroups, STATE_DIR, untilConverged } from './node.ts';

/** The machine has just booted from the disk that a power cut left: the agent, started by systemd, puts all right. */
export async function afterPowerCutSuite({ check }: Suite, commit: string): Promise<void> {
  let status: NodeStatus | null = null;
  await check('converges again after a power cut', async () => {
    status = await untilConverged(commit);
  });
  await check('has exactly the containers it wants, and nothing half made', async () => {
    const pods = (status?.workloads ?? []).flatMap((workload) => workload.pods);
    const containers = pods.flatMap(({ id, containers: all }) => all.map(({ name, state }) => ({ id, name, state })));
    assert.equal(containers.filter(({ state }) => state === 'Running').length, 4);
    const groups = pods.flatMap(({ id }) => [id, `${id}/.shim`]);
    const made = containers.filter(({ state }) => state !== 'Waiting').map(({ id, name }) => `${id}/${name}`);
    assert.deepEqual(await podCgroups(), [...groups, ...made].sort());
    const ids = pods.map(({ id }) => id).sort();
    assert.deepEqual((await readdir(join(STATE_DIR, 'containers'))).sort(), ids);
    assert.deepEqual(await unfinished(), []);
  });
  await check('keeps no layer that the power cut truncated', async () => {
    const layers = join(STATE_DIR, 'images/layers');
    const names = await readdir(layers);
    assert.ok(names.length > 0);
    for (const name of names) assert.deepEqual(await emptyFiles(join(layers, name)), []);
  });
}

/** Files and directories that somebody was making when the power went. */
async function unfinished(): Promise<readonly string[]> {
  const entries = await readdir(STATE_DIR, { recursive: true, withFileTypes: true });
  const names = entries.map((entry) => join(entry.parentPath, entry.name));
  const own = names.filter((name) => !name.includes('/images/layers/') && !name.includes('/containers/'));
  return own.filter((name) => name.endsWith('.tmp') || name.includes('/images/tmp/'));
}

/** A file whose name reached the disk and whose content did not; the world's images have no empty file. */
async function emptyFiles(layer: string): Promise<readonly string[]> {
  const entries = await readdir(layer, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const sizes = await Promise.all(files.map(async (file) => ({ file, size: (await stat(file)).size })));
  return sizes.filter(({ size }) => size === 0).map(({ file }) => file);
}
