import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { GitSourceOptions } from '../../agent/source/index.ts';
import { type SourceWorld, startSourceWorld } from './source-world.ts';

const INDEX = new URL('../../agent/source/index.ts', import.meta.url).href;
const PROGRAM = `
  const { createGitSource } = await import(${JSON.stringify(INDEX)});
  await (await createGitSource(JSON.parse(process.argv[1]))).poll();
`;

let world: SourceWorld;
beforeAll(async () => {
  world = await startSourceWorld();
});
afterAll(() => world.stop());

test('a kill after any git command leaves the old commit accepted, or the new one, and the next poll goes on', async () => {
  const repository = await world.repository();
  const before = repository.options();
  const old = await repository.author.commit({ files: { 'a.yaml': '1' }, message: 'Old' });
  await (await repository.source(before)).poll();
  const tip = await repository.author.commit({ files: { 'a.yaml': '2' }, message: 'New' });
  const seen: (string | null)[] = [];
  for (let step = 1; ; step++) {
    const options = { ...before, stateDir: `${before.stateDir}-${step}` };
    await cp(before.stateDir, options.stateDir, { recursive: true });
    const wasKilled = await pollAndKill(options, step);
    const source = await repository.source(options);
    seen.push(await source.accepted());
    expect((await source.poll()).commit).toBe(tip);
    expect((await source.read(old)).files).toEqual([{ path: 'a.yaml', text: '1' }]);
    if (!wasKilled) break;
  }
  expect(seen.length).toBeGreaterThan(8);
  expect(seen.slice(0, -1).every((commit) => commit === old)).toBe(true);
  expect(seen.at(-1)).toBe(tip);
}, 180_000);

test('a kill while the repository is made, or before it has anything, is harmless too', async () => {
  const repository = await world.repository();
  const tip = await repository.author.commit({ message: 'One' });
  for (const step of [1, 2, 3, 4]) {
    const options = repository.options();
    expect(await pollAndKill(options, step)).toBe(true);
    const source = await repository.source(options);
    expect(await source.accepted()).toBeNull();
    expect((await source.poll()).commit).toBe(tip);
    expect(await leftIn(options)).toEqual([
      'accepted.json',
      expect.stringMatching(/^gnupg-[0-9a-f]{16}$/),
      'repository.git',
    ]);
  }
});

async function leftIn(options: GitSourceOptions): Promise<readonly string[]> {
  return (await readdir(join(options.stateDir, 'source'))).sort();
}

/** Polls in a process of its own that is killed once its `step`-th git command has ended. @returns whether it came to that. */
async function pollAndKill(options: GitSourceOptions, step: number): Promise<boolean> {
  const directory = await killingGit(options, step);
  const child = spawn(process.execPath, ['--input-type=module', '-e', PROGRAM, JSON.stringify(options)], {
    env: { ...process.env, PATH: `${directory}:${process.env.PATH}` },
    stdio: 'ignore',
  });
  const [code, signal] = await once(child, 'exit');
  expect([code, signal]).toEqual(signal ? [null, 'SIGKILL'] : [0, null]);
  return signal === 'SIGKILL';
}

async function killingGit(options: GitSourceOptions, step: number): Promise<string> {
  const { stdout } = await promisify(execFile)('which', ['git']);
  const directory = join(options.stateDir, 'bin');
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, 'count'), '0');
  const script = [
    '#!/bin/sh',
    `count=$(($(cat ${directory}/count) + 1))`,
    `echo $count > ${directory}/count`,
    `${stdout.trim()} "$@"`,
    'status=$?',
    `[ $count = ${step} ] && kill -9 $PPID`,
    'exit $status',
    '',
  ];
  await writeFile(join(directory, 'git'), script.join('\n'));
  await chmod(join(directory, 'git'), 0o755);
  return directory;
}
