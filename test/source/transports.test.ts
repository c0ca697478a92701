import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { GitSourceOptions } from '../../agent/source/index.ts';
import { startGitServer } from '../world/git-server.ts';
import { type Repository, rejection, type SourceWorld, startSourceWorld } from './source-world.ts';

const TOKEN = 'token-4f1c2d';
let world: SourceWorld;
let tokenFile: string;

beforeAll(async () => {
  world = await startSourceWorld({ httpAuth: { username: 'git', password: TOKEN } });
  tokenFile = await world.secretFile('token', `${TOKEN}\n`);
});
afterAll(() => world.stop());

type Reach = (repository: Repository) => Partial<GitSourceOptions>;
const TRANSPORTS: readonly (readonly [string, Reach])[] = [
  ['http', ({ name }) => ({ url: world.server.httpUrl(name), auth: { tokenFile } })],
  ['ssh', ({ name }) => ({ url: world.server.sshUrl(name), auth: sshAuth() })],
  ['file', ({ name }) => ({ url: world.server.fileUrl(name) })],
];
const sshAuth = () => ({ sshKeyFile: world.server.sshKeyFile, knownHostsFile: world.server.knownHostsFile });

describe.each(TRANSPORTS)('over %s', (_name, reach) => {
  test('takes the first commit, then several at once, then nothing new', async () => {
    const repository = await world.repository();
    const source = await repository.source({ path: 'fleet', ...reach(repository) });
    expect(await source.accepted()).toBeNull();
    const first = await repository.author.commit({
      files: { 'fleet/a.yaml': 'a: 1\n', 'x.yaml': 'x' },
      message: 'One\n\nbody',
    });
    expect(await source.poll()).toEqual({
      commit: first,
      signer: 'alice@example.org',
      committedAt: Number(await repository.author.git('log', '-1', '--format=%ct')) * 1000,
      subject: 'One',
      files: [{ path: 'fleet/a.yaml', text: 'a: 1\n' }],
    });
    await repository.author.commit({ files: { 'fleet/b.yaml': 'b: 1\n' }, message: 'Two' });
    const third = await repository.author.commit({
      files: { 'fleet/c.json': '{}' },
      remove: ['fleet/a.yaml'],
      message: 'Three',
    });
    const revision = await source.poll();
    expect([revision.commit, revision.files.map(({ path }) => path)]).toEqual([
      third,
      ['fleet/b.yaml', 'fleet/c.json'],
    ]);
    expect(await source.poll()).toEqual(revision);
    expect(await source.accepted()).toBe(third);
    expect((await source.read(first)).files).toEqual([{ path: 'fleet/a.yaml', text: 'a: 1\n' }]);
  });

  test('says that a branch is not there', async () => {
    const repository = await world.repository();
    await repository.author.commit({ message: 'One' });
    const source = await repository.source({ branch: 'production', ...reach(repository) });
    expect((await rejection(source.poll())).code).toBe('not-found');
  });

  test('says that a repository is not there', async () => {
    const repository = await world.repository();
    const source = await repository.source(reach({ ...repository, name: 'nothing' }));
    expect((await rejection(source.poll())).code).toBe('not-found');
  });
});

describe('a server that goes away', () => {
  test('leaves the accepted commit readable', async () => {
    const repository = await world.repository();
    const commit = await repository.author.commit({ files: { 'a.yaml': 'a: 1\n' }, message: 'One' });
    const server = await startGitServer();
    const path = await server.createRepository('mirror');
    await repository.author.git('push', '--quiet', path, 'HEAD:refs/heads/main');
    const options = repository.options({ url: server.httpUrl('mirror') });
    const before = await (await repository.source(options)).poll();
    await server.stop();
    const source = await repository.source(options);
    expect((await rejection(source.poll())).code).toBe('unreachable');
    expect(await source.accepted()).toBe(commit);
    expect(await source.read(commit)).toEqual(before);
  });

  test('is unreachable over ssh too', async () => {
    const repository = await world.repository();
    const url = world.server.sshUrl(repository.name).replace(/:\d+\//, ':1/');
    const source = await repository.source({ url, auth: sshAuth() });
    expect((await rejection(source.poll())).code).toBe('unreachable');
  });
});

describe('credentials', () => {
  test('a wrong token is refused and not shown', async () => {
    const repository = await world.repository();
    const wrong = await world.secretFile('wrong-token', 'wrong-9a8b7c');
    const source = await repository.source({ url: world.server.httpUrl(repository.name), auth: { tokenFile: wrong } });
    const error = await rejection(source.poll());
    expect(error.code).toBe('unauthorized');
    expect(error.message).not.toContain('wrong-9a8b7c');
  });

  test('no token where one is needed is refused without a prompt', async () => {
    const repository = await world.repository();
    const source = await repository.source({ url: world.server.httpUrl(repository.name) });
    expect((await rejection(source.poll())).code).toBe('unauthorized');
  });

  test('a host key that is not known is refused', async () => {
    const repository = await world.repository();
    const knownHostsFile = join(world.directory, 'known_hosts_empty');
    await writeFile(knownHostsFile, '');
    const auth = { ...sshAuth(), knownHostsFile };
    const source = await repository.source({ url: world.server.sshUrl(repository.name), auth });
    expect((await rejection(source.poll())).code).toBe('unauthorized');
  });

  test('a key that may not log in is refused', async () => {
    const repository = await world.repository();
    const auth = { ...sshAuth(), sshKeyFile: world.alice.keyFile };
    const source = await repository.source({ url: world.server.sshUrl(repository.name), auth });
    expect((await rejection(source.poll())).code).toBe('unauthorized');
  });
});
