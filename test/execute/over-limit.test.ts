import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { diskUsage } from '../../agent/execute/disk-usage.ts';
import { createOverLimitWatch } from '../../agent/execute/over-limit.ts';
import { emptyDirPath, type PodFileRoots } from '../../agent/execute/pod-files.ts';
import { type PodTemplate, parseManifests } from '../../manifests/index.ts';

const KIB = 1024;
const LIMIT = 64 * KIB;
let directory: string;
let roots: PodFileRoots;
let volume: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'hf-over-limit-'));
  roots = { stateDir: directory, runDir: join(directory, 'run') };
  volume = emptyDirPath(roots, 'pod', 'scratch');
  await mkdir(volume, { recursive: true });
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const fill = (path: string): Promise<void> => writeFile(path, Buffer.alloc(2 * LIMIT, 1));
const OVER = [{ volume: 'scratch', usedBytes: expect.any(Number), limitBytes: LIMIT }];

test('a pod that takes the place of one that was evicted begins with a measure of its own', async () => {
  const watch = createOverLimitWatch(roots, () => 0);
  await fill(join(volume, 'big'));
  expect(await watch.look('pod', pod())).toEqual(OVER);
  await rm(join(volume, 'big'));
  expect(await watch.look('pod', pod())).toEqual([]);
});

test('what is within its limit is not measured again for ten seconds', async () => {
  let now = 0;
  const watch = createOverLimitWatch(roots, () => now);
  expect(await watch.look('pod', pod())).toEqual([]);
  await fill(join(volume, 'big'));
  now = 9_999;
  expect(await watch.look('pod', pod())).toEqual([]);
  now = 10_000;
  expect(await watch.look('pod', pod())).toEqual(OVER);
});

test('a walk that takes long holds up no look, and is told by a later one', async () => {
  let finish = (_bytes: number): void => undefined;
  let walks = 0;
  const watch = createOverLimitWatch(
    roots,
    () => 0,
    () => {
      walks += 1;
      return new Promise((resolve) => {
        finish = resolve;
      });
    },
  );
  expect(await watch.look('pod', pod())).toEqual([]);
  expect(await watch.look('pod', pod())).toEqual([]);
  expect(walks).toBe(1);
  finish(2 * LIMIT);
  expect(await watch.look('pod', pod())).toEqual(OVER);
});

test('nothing hides at the bottom of a tree that is deeper than a walk goes, or behind a link', async () => {
  await symlink('/usr', join(volume, 'link'));
  expect(await diskUsage(volume, LIMIT)).toBeLessThanOrEqual(LIMIT);
  await mkdir(join(volume, 'd/'.repeat(210)), { recursive: true });
  expect(await diskUsage(volume, 1024 * 1024 * KIB)).toBeGreaterThan(1024 * 1024 * KIB);
});

function pod(): PodTemplate {
  const manifest = {
    ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'app' } },
    spec: {
      volumes: [{ name: 'scratch', emptyDir: { sizeLimit: '64Ki' } }],
      containers: [{ name: 'app', image: 'registry.example/app:1' }],
    },
  };
  const { workloads, problems } = parseManifests([{ path: 'app.json', text: JSON.stringify(manifest) }]);
  const [found] = workloads;
  if (found === undefined) throw new Error(`the manifest is refused: ${JSON.stringify(problems)}`);
  return found.workload.pod;
}
