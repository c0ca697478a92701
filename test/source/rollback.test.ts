import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Repository, rejection, type SourceWorld, startSourceWorld } from './source-world.ts';

let world: SourceWorld;
beforeAll(async () => {
  world = await startSourceWorld();
});
afterAll(() => world.stop());

const repositoryOf = (stateDir: string): string => join(stateDir, 'source', 'repository.git');

describe('a tip that does not follow the accepted commit', () => {
  test.each([
    ['an older commit', 'HEAD~2'],
    ['another branch of the history', 'side'],
    ['an unrelated history', 'unrelated'],
  ])('is refused: %s', async (_name, target) => {
    const { author, source, path } = await world.repository();
    await author.commit({ files: { 'a.yaml': '1' }, message: 'One' });
    await author.commit({ files: { 'a.yaml': '2' }, message: 'Two' });
    const accepted = await author.commit({ files: { 'a.yaml': '3' }, message: 'Three' });
    await makeBranches(author.git);
    const polled = await source();
    await polled.poll();
    await author.git('push', '--quiet', '--force', path, `${target}:refs/heads/main`);
    const commit = await author.git('rev-parse', target);
    expect(await rejection(polled.poll())).toMatchObject({ code: 'not-descendant', commit });
    expect(await rejection(polled.poll())).toMatchObject({ code: 'not-descendant', commit });
    expect(await polled.accepted()).toBe(accepted);
    expect((await polled.read(accepted)).files).toEqual([{ path: 'a.yaml', text: '3' }]);
    await author.git('push', '--quiet', '--force', path, `${accepted}:refs/heads/main`);
    expect((await polled.poll()).commit).toBe(accepted);
  });

  test('is taken when it is a merge of the accepted commit', async () => {
    const { author, source } = await world.repository();
    await author.commit({ message: 'One' });
    await author.commit({ message: 'Two' });
    await makeBranches(author.git);
    const polled = await source();
    await polled.poll();
    await author.git('merge', '--quiet', '--no-commit', '--no-ff', 'side');
    const merge = await author.commit({ message: 'Merge' });
    expect((await polled.poll()).commit).toBe(merge);
  });

  async function makeBranches(git: Repository['author']['git']): Promise<void> {
    const sign = ['-c', 'gpg.format=ssh', '-c', `user.signingKey=${world.alice.keyFile}`];
    const tree = await git('rev-parse', 'HEAD^{tree}');
    await git('branch', 'side', await git(...sign, 'commit-tree', '-S', '-p', 'HEAD~1', '-m', 'Side', tree));
    await git('branch', 'unrelated', await git(...sign, 'commit-tree', '-S', '-m', 'Unrelated', tree));
  }
});

describe('a lost local repository', () => {
  test('is cloned again, and the accepted commit is found in the history', async () => {
    const repository = await world.repository();
    const options = repository.options();
    const accepted = await repository.author.commit({ message: 'Accepted' });
    await (await repository.source(options)).poll();
    for (let count = 0; count < 60; count++)
      await repository.author.git('commit', '--allow-empty', '-q', '-m', `Step ${count}`);
    const tip = await repository.author.commit({ message: 'Tip' });
    await rm(repositoryOf(options.stateDir), { recursive: true });
    const source = await repository.source(options);
    expect(await source.accepted()).toBe(accepted);
    expect((await source.poll()).commit).toBe(tip);
  });

  test('does not let an older commit in', async () => {
    const repository = await world.repository();
    const options = repository.options();
    await repository.author.commit({ message: 'One' });
    const accepted = await repository.author.commit({ message: 'Two' });
    await (await repository.source(options)).poll();
    await rm(repositoryOf(options.stateDir), { recursive: true });
    await repository.author.git('push', '--quiet', '--force', repository.path, 'HEAD~1:refs/heads/main');
    const source = await repository.source(options);
    expect((await rejection(source.poll())).code).toBe('not-descendant');
    expect(await source.accepted()).toBe(accepted);
  });

  test('has nothing to read', async () => {
    const { source } = await world.repository();
    const polled = await source();
    expect((await rejection(polled.read('0'.repeat(40)))).code).toBe('not-found');
    expect((await rejection(polled.read('main'))).code).toBe('not-found');
  });
});

describe('a damaged local repository', () => {
  const damages: readonly (readonly [string, (path: string) => Promise<void>])[] = [
    ['HEAD is gone', (path) => rm(join(path, 'HEAD'))],
    ['HEAD is empty', (path) => writeFile(join(path, 'HEAD'), '')],
    ['the configuration is not readable', (path) => writeFile(join(path, 'config'), '[core\n\0')],
    ['the objects are gone', (path) => rm(join(path, 'objects'), { recursive: true })],
    ['the packs are cut short', cutPacks],
    ['a lock was left', (path) => writeFile(join(path, 'refs', 'holdfast', 'candidate.lock'), '')],
    ['the accepted reference is rubbish', (path) => writeFile(join(path, 'refs', 'holdfast', 'accepted'), 'rubbish\n')],
  ];

  test.each(damages)('is replaced: %s', async (_name, damage) => {
    const repository = await world.repository();
    const options = repository.options();
    await repository.author.commit({ files: { 'a.yaml': '1' }, message: 'One' });
    await (await repository.source(options)).poll();
    await damage(repositoryOf(options.stateDir));
    const tip = await repository.author.commit({ files: { 'a.yaml': '2' }, message: 'Two' });
    const source = await repository.source(options);
    expect((await source.poll()).commit).toBe(tip);
    expect((await source.read(tip)).files).toEqual([{ path: 'a.yaml', text: '2' }]);
    expect((await readdir(join(options.stateDir, 'source'))).filter((name) => name.includes('new'))).toEqual([]);
  });

  test('still binds: an older commit is refused', async () => {
    const repository = await world.repository();
    const options = repository.options();
    await repository.author.commit({ message: 'One' });
    await repository.author.commit({ message: 'Two' });
    await (await repository.source(options)).poll();
    await cutPacks(repositoryOf(options.stateDir));
    await repository.author.git('push', '--quiet', '--force', repository.path, 'HEAD~1:refs/heads/main');
    expect((await rejection((await repository.source(options)).poll())).code).toBe('not-descendant');
  });

  async function cutPacks(path: string): Promise<void> {
    const directory = join(path, 'objects', 'pack');
    for (const name of await readdir(directory)) await writeFile(join(directory, name), 'PACK');
  }
});

test('a damaged record of the accepted commit refuses everything', async () => {
  const repository = await world.repository();
  const options = repository.options();
  await repository.author.commit({ message: 'One' });
  await (await repository.source(options)).poll();
  const file = join(options.stateDir, 'source', 'accepted.json');
  const record = await readFile(file, 'utf8');
  await writeFile(file, record.slice(0, 20));
  const source = await repository.source(options);
  expect((await rejection(source.poll())).code).toBe('local-copy');
  expect((await rejection(source.accepted())).code).toBe('local-copy');
  await writeFile(file, record);
  expect((await source.poll()).commit).toBe(await source.accepted());
});

test('polls asked for at once run one after the other', async () => {
  const { author, source } = await world.repository();
  const commit = await author.commit({ message: 'One' });
  const polled = await source();
  const revisions = await Promise.all([polled.poll(), polled.poll(), polled.poll()]);
  expect(revisions.map((revision) => revision.commit)).toEqual([commit, commit, commit]);
});
