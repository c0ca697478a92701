import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { GitSourceOptions } from '../../agent/source/index.ts';
import { type Repository, rejection, type SourceWorld, startSourceWorld } from './source-world.ts';

let world: SourceWorld;
let repository: Repository;
beforeAll(async () => {
  world = await startSourceWorld();
  repository = await world.repository();
});
afterAll(() => world.stop());

async function refusal(changes: Partial<GitSourceOptions>): Promise<string> {
  const error = await rejection(repository.source(changes));
  expect(error.code).toBe('misconfigured');
  return error.message;
}

describe('refused before anything runs', () => {
  test('no signer', async () => {
    expect(await refusal({ allowedSigners: null, gpgKeyring: null })).toContain('allowedSigners');
  });

  test.each([
    'git@example.org:fleet.git',
    'ext::sh -c id',
    'git://example.org/fleet.git',
    '/srv/git/fleet.git',
    '--upload-pack=id',
    'https:example.org',
    'ftp://example.org/fleet.git',
  ])('url %s', async (url) => {
    expect(await refusal({ url })).toContain('source.url');
  });

  test.each([
    'https://user:secret-1@example.org/f.git',
    'https://secret-1@example.org/f.git',
    'ssh://git:secret-1@example.org/f',
  ])('credentials in the url, without showing them: %s', async (url) => {
    expect(await refusal({ url })).not.toContain('secret-1');
  });

  test.each(['', '-x', 'a..b', 'a b', 'a:b', 'a.lock', 'a/', 'refs/heads/../x', '@{-1}', 'a@{1}', '+main', 'a*'])(
    'branch "%s"',
    async (branch) => {
      expect(await refusal({ branch })).toContain('source.branch');
    },
  );

  test.each(['/etc', '../x', 'a/../b', 'a//b', 'a/', '.git', 'a\nb', './a', 'a\\b'])('path %j', async (path) => {
    expect(await refusal({ path })).toContain('source.path');
  });

  test.each(['allowedSigners', 'gpgKeyring'] as const)('%s that cannot be read', async (name) => {
    expect(await refusal({ [name]: join(world.directory, 'nothing') })).toContain(name);
    expect(await refusal({ [name]: 'relative' })).toContain('absolute');
  });

  test('ssh without a key or without known hosts', async () => {
    const url = 'ssh://git@127.0.0.1/fleet.git';
    const { sshKeyFile, knownHostsFile } = world.server;
    expect(await refusal({ url, auth: { knownHostsFile } })).toContain('sshKeyFile');
    expect(await refusal({ url, auth: { sshKeyFile } })).toContain('knownHostsFile');
    expect(await refusal({ url, auth: { sshKeyFile: '/tmp/%d', knownHostsFile } })).toContain('sshKeyFile');
  });

  test('a token that others can read, that is empty, or that would travel in the clear', async () => {
    const url = 'https://127.0.0.1:1/fleet.git';
    const tokenFile = await world.secretFile('open-token', 'secret');
    await chmod(tokenFile, 0o640);
    expect(await refusal({ url, auth: { tokenFile } })).toContain('chmod 600');
    const empty = await world.secretFile('empty-token', '\n');
    expect(await refusal({ url, auth: { tokenFile: empty } })).toContain('one token');
    const good = await world.secretFile('good-token', 'secret\n');
    expect(await refusal({ url: 'http://example.org/fleet.git', auth: { tokenFile: good } })).toContain('https://');
  });
});

test('a keyring that gpg cannot read refuses every commit', async () => {
  const { author, source } = await world.repository();
  await author.commit({ message: 'One' });
  const gpgKeyring = await world.secretFile('rubbish.asc', 'rubbish');
  const polled = await source({ gpgKeyring });
  expect((await rejection(polled.poll())).code).toBe('misconfigured');
  expect(await polled.accepted()).toBeNull();
});

test.each(['main', 'feature/x-1', 'holdfast/ring/edge/2', 'v1.2'])('branch %s may be named', async (branch) => {
  expect(await (await repository.source({ branch })).accepted()).toBeNull();
});
