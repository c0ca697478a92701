import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { ProjectedFile } from '../../agent/material/projected-files.ts';
import { inspectVolumeFiles, writeVolumeFiles } from '../../agent/material/volume-files.ts';
import type { ContainerSpec, SandboxVolume } from '../../native/index.ts';
import { type Run, readLog } from '../native/container-stage.ts';
import { type EscapeStage, openEscapeStage } from './escape-stage.ts';

const KEY = Buffer.alloc(32, 7);
const VOLUME: SandboxVolume = { name: 'files', maxBytes: 1024 * 1024, gid: 0, mode: 0o755, isSwappable: false };
const FILES: readonly ProjectedFile[] = [
  { path: 'deep/token', mode: 0o400, bytes: Buffer.from('hush') },
  { path: 'plain', mode: 0o644, bytes: Buffer.from('seen') },
];

let stage: EscapeStage;

beforeEach(async () => {
  stage = await openEscapeStage();
  await stage.sandbox({ id: 'pod-admin', users: 'private', volumes: [VOLUME] });
});
afterEach(() => stage.close());

/** The agent writes these files as root of the node, through a path that a link in the volume would lead out of it. */
test('admin, who can make the mount of its files writable, can plant nothing in it and leads the agent nowhere', async () => {
  const { path, idBase } = await stage.backend.volumeDirectory('pod-admin', 'files');
  const owner = { uid: idBase, gid: idBase };
  await writeVolumeFiles(path, FILES, owner, KEY);
  const { stdout, stderr } = await attack(
    `cat /v/deep/token; mount -o remount,bind,rw /v && echo remounted
    ln -s / /v/out; mkdir /v/made; rm /v/..data; mv /v/plain /v/moved; ln -s / /v/..data/deep/out; chmod 777 /v /v/..data/deep
    truncate -s 4G /v/plain && stat -L -c %s /v/plain`,
  );
  expect(stdout).toEqual(['hushremounted', '4294967296']);
  expect(stderr.filter((line) => /denied|not permitted/.test(line))).toHaveLength(7);
  expect((await readdir(path)).toSorted()).toEqual([
    expect.stringMatching(/^\.\.[0-9a-f]{32}$/),
    '..data',
    'deep',
    'plain',
  ]);

  expect(await inspectVolumeFiles(path, FILES, owner, KEY)).toBe('tampered');
  await writeVolumeFiles(path, FILES, owner, KEY);
  expect(await inspectVolumeFiles(path, FILES, owner, KEY)).toBe('current');
  expect(await readFile(join(path, 'plain'), 'utf8')).toBe('seen');
});

async function attack(script: string): Promise<Run> {
  const spec = stage.attackSpec('admin', script);
  const mounts = [{ destination: '/v', type: 'volume', source: 'files', options: ['ro', 'nosuid', 'nodev'] }] as const;
  const withFiles: ContainerSpec = { ...spec, config: { ...spec.config, mounts: [...spec.config.mounts, ...mounts] } };
  await stage.backend.startContainer(withFiles);
  const exit = await stage.exited(spec.name);
  return { exit, stdout: await readLog(withFiles, 'stdout'), stderr: await readLog(withFiles, 'stderr') };
}
