import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Repository, rejection, type SourceWorld, startSourceWorld } from './source-world.ts';

let world: SourceWorld;
let repository: Repository;
let blob: string;

beforeAll(async () => {
  world = await startSourceWorld();
  repository = await world.repository();
  await repository.author.commit({ files: { 'fleet/a.yaml': 'a: 1\n' }, message: 'Good' });
  blob = await repository.author.git('rev-parse', 'HEAD:fleet/a.yaml');
});
afterAll(() => world.stop());

interface Entry {
  readonly mode: string;
  readonly name: string | Buffer;
  readonly id: string;
}

/** Writes a tree object byte by byte, for git's own commands refuse such names. */
async function writeTree(entries: readonly Entry[]): Promise<string> {
  const parts = entries.flatMap(({ mode, name, id }) => [
    Buffer.from(`${mode} `),
    Buffer.from(name),
    Buffer.from([0]),
    Buffer.from(id, 'hex'),
  ]);
  const file = join(world.directory, 'tree');
  await writeFile(file, Buffer.concat(parts));
  return repository.author.git('hash-object', '-t', 'tree', '-w', '--literally', file);
}

/** Commits a tree as alice, so that only the tree is at fault, and pushes it to a branch of its own. */
async function pushTree(branch: string, entries: readonly Entry[]): Promise<string> {
  const { git } = repository.author;
  const fleet = await writeTree(entries);
  const root = await writeTree([{ mode: '40000', name: 'fleet', id: fleet }]);
  const sign = ['-c', 'gpg.format=ssh', '-c', `user.signingKey=${world.alice.keyFile}`];
  const commit = await git(...sign, 'commit-tree', '-S', '-m', branch, root);
  await git('push', '--quiet', repository.path, `${commit}:refs/heads/${branch}`);
  return commit;
}

const file = (name: string | Buffer): Entry => ({ mode: '100644', name, id: blob });

describe('a tree with', () => {
  test.each<readonly [string, () => Entry]>([
    ['a symbolic link', () => ({ mode: '120000', name: 'link.yaml', id: blob })],
    ['a symbolic link that is no manifest', () => ({ mode: '120000', name: 'link', id: blob })],
    ['a submodule', () => ({ mode: '160000', name: 'module', id: blob })],
    ['a parent folder for a name', () => file('..')],
    ['.git for a name', () => file('.git')],
    ['.GIT for a name', () => file('.GIT')],
    ['the short name of .git', () => file('git~1')],
    ['.git with an invisible character', () => file('.g\u200cit')],
    ['a slash in a name', () => file('../a.yaml')],
    ['a backslash in a name', () => file('..\\a.yaml')],
    ['a newline in a name', () => file('a\nb.yaml')],
    ['an escape sequence in a name', () => file('a\u001b[2Jb.yaml')],
    ['text that runs backwards in a name', () => file('a\u202elmay.yaml')],
    ['a name that is not UTF-8', () => file(Buffer.from([0x61, 0xff, 0x2e]))],
  ])('%s is refused', async (name, entry) => {
    const branch = name.replace(/\W+/g, '-').replace(/^-/, '');
    const commit = await pushTree(branch, [entry()]);
    const source = await repository.source({ branch, path: 'fleet' });
    const error = await rejection(source.poll());
    expect([error.code, error.commit ?? commit]).toEqual(['unsafe-tree', commit]);
    expect(await source.accepted()).toBeNull();
  });
});

describe('a folder', () => {
  test('that is not there, or is a file, is not found', async () => {
    for (const path of ['nothing', 'fleet/a.yaml']) {
      expect((await rejection((await repository.source({ path })).poll())).code).toBe('not-found');
    }
  });

  test('is read alone: what is wrong beside it does not matter', async () => {
    const { git } = repository.author;
    const fleet = await git('rev-parse', 'HEAD:fleet');
    const entries = [
      { mode: '120000', name: 'beside', id: blob },
      { mode: '40000', name: 'fleet', id: fleet },
    ];
    const sign = ['-c', 'gpg.format=ssh', '-c', `user.signingKey=${world.alice.keyFile}`];
    const commit = await git(...sign, 'commit-tree', '-S', '-m', 'Beside', await writeTree(entries));
    await git('push', '--quiet', repository.path, `${commit}:refs/heads/beside`);
    const source = await repository.source({ branch: 'beside', path: 'fleet' });
    expect((await source.poll()).files).toEqual([{ path: 'fleet/a.yaml', text: 'a: 1\n' }]);
  });
});

describe('files', () => {
  test('are read byte for byte, sorted, and only those with a name of a manifest', async () => {
    const { author, source } = await world.repository();
    const files = { 'b.yml': '\ufeffb: "\u00e9"\r\n', 'a/z.yaml': '', 'a.json': '{}', 'a.txt': 'no', yaml: 'no' };
    await author.commit({ files, message: 'Files' });
    expect((await (await source()).poll()).files).toEqual([
      { path: 'a.json', text: '{}' },
      { path: 'a/z.yaml', text: '' },
      { path: 'b.yml', text: '\ufeffb: "\u00e9"\r\n' },
    ]);
  });

  test('may be missing altogether', async () => {
    const { author, source } = await world.repository();
    await author.commit({ message: 'Nothing' });
    expect((await (await source()).poll()).files).toEqual([]);
  });

  test('must be UTF-8', async () => {
    const { author, source } = await world.repository();
    await author.commit({ files: { 'a.yaml': Buffer.from([0x61, 0xff]) }, message: 'Latin' });
    expect((await rejection((await source()).poll())).code).toBe('unsafe-tree');
  });

  test.each([
    ['one larger than 1 MiB', {}, { 'a.yaml': 'x'.repeat(1024 * 1024 + 1) }],
    ['more than allowed', { files: 2 }, { 'a.yaml': 'a', 'b.yaml': 'b', 'c.yaml': 'c' }],
    ['more bytes than allowed together', { totalBytes: 5 }, { 'a.yaml': 'aaa', 'b.yaml': 'bbb' }],
  ])('are limited: %s', async (_name, limits, files) => {
    const { author, source } = await world.repository();
    const commit = await author.commit({ files, message: 'Large' });
    expect(await rejection((await source({ limits })).poll())).toMatchObject({ code: 'too-large', commit });
  });

  test('exactly at the limits are read', async () => {
    const { author, source } = await world.repository();
    const files = { 'a.yaml': 'x'.repeat(1024 * 1024), 'b.yaml': '' };
    await author.commit({ files, message: 'Large' });
    const polled = await source({ limits: { files: 2, totalBytes: 1024 * 1024 } });
    expect((await polled.poll()).files.map(({ text }) => text.length)).toEqual([1024 * 1024, 0]);
  });
});
