import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { buildProgram, type EscapeStage, openEscapeStage, resultName } from './escape-stage.ts';

let stage: EscapeStage;

beforeAll(async () => {
  stage = await openEscapeStage();
  await buildProgram(join(stage.layer, 'bin/attempts'), 'attempts.c', 'calls.c', 'files.c', 'namespaces.c');
  await buildProgram(join(stage.layer, 'bin/connect-abstract'), 'connect-abstract.c');
});

afterAll(() => stage.close());

describe('abstract UNIX sockets of the node (CVE-2020-15257)', () => {
  const ATTACKERS = ['root', 'user', 'admin', 'node root'] as const;

  test.each(ATTACKERS)('%s reaches them only on the node’s network', async (attacker) => {
    const name = `holdfast-escape-${randomBytes(4).toString('hex')}`;
    const server = createServer().listen(`\0${name}`);
    await once(server, 'listening');
    const { stdout } = await stage.attack(attacker, `connect-abstract ${name}`);
    await stage.sandbox({ id: `networked-${name}`, network: 'host' });
    const open = await stage.run(`connect-abstract ${name}`, { sandboxId: `networked-${name}`, name });
    server.close();
    expect(open.stdout).toEqual(['0']);
    expect(stdout.map(Number).map(resultName)).toEqual(['ECONNREFUSED']);
  });
});

describe('keys', () => {
  test('that one pod keeps are found by itself, by no other and not by the node', async () => {
    const results = async (sandboxId: string, attempt: string): Promise<string> => {
      const { stdout } = await stage.attack('admin', `attempts ${attempt}`, { sandboxId });
      return resultName(Number(stdout[0]?.split(' ')[1]));
    };
    await stage.sandbox({ id: 'other' });
    expect(await results('pod-admin', 'add-key')).toBe('done');
    expect(await results('pod-admin', 'find-key')).toBe('done');
    expect(await results('other', 'find-key')).toBe('ENOKEY');
    expect(await readFile('/proc/key-users', 'utf8')).toMatch(/^\s*\d{7,}:/m);
    expect(await readFile('/proc/keys', 'utf8')).not.toContain('holdfast-escape');
  });
});
