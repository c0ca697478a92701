import { execFileSync } from 'node:child_process';
import { closeSync } from 'node:fs';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import koffi from 'koffi';
import { buildProgram, type EscapeStage, openEscapeStage } from './escape-stage.ts';

const O_DIRECTORY = 0o200000;

let stage: EscapeStage;
const leaked: number[] = [];

beforeAll(async () => {
  stage = await openEscapeStage();
  await buildProgram(join(stage.layer, 'bin/open-descriptors'), 'open-descriptors.c');
  await symlink('/proc/self/fd/5', join(stage.layer, 'cwd-of-image'));
  // The program's directory is what a leaked descriptor shows; a file beside it is the proof.
  await mkdir(join(stage.directory, 'open'));
  await writeFile(join(stage.directory, 'marker-of-the-node'), '');
  const open = koffi.load('libc.so.6').func('int open(const char *path, int flags)');
  for (let i = 0; i < 5; i += 1) leaked.push(open(join(stage.directory, 'open'), O_DIRECTORY));
});

afterAll(async () => {
  for (const fd of leaked) closeSync(fd);
  await stage.close();
});

describe('descriptors that the agent leaves open (CVE-2024-21626)', () => {
  test('come to any other child of it', () => {
    const output = execFileSync(join(stage.layer, 'bin/open-descriptors'), { encoding: 'utf8' });
    for (const fd of leaked) expect(output).toContain(`\n${fd} leads out\n`);
  });

  test.each(['root', 'user', 'admin', 'node root'] as const)('do not come to %s', async (attacker) => {
    const { stdout } = await stage.attack(attacker, 'exec open-descriptors');
    expect(stdout).toEqual(['0', '1', '2', 'end']);
  });

  test.each(['root', 'user', 'admin', 'node root'] as const)('are no working directory for %s', async (attacker) => {
    await stage.openPod(attacker);
    const numbered = Array.from({ length: 16 }, (_, fd) => `/proc/self/fd/${fd}`);
    for (const cwd of [...numbered, '/proc/self/cwd', '/proc/1/root', '/cwd-of-image']) {
      const spec = stage.attackSpec(attacker, 'exec open-descriptors', { process: { cwd } });
      await expect(stage.backend.startContainer(spec)).rejects.toMatchObject({ code: 'kernel' });
    }
    const { stdout } = await stage.attack(attacker, 'exec open-descriptors', { process: { cwd: '/../../../../..' } });
    expect(stdout.at(-1)).toBe('end');
  });
});
