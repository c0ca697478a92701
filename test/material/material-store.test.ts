import { beforeEach, describe, expect, test } from '@jest/globals';
import { createMaterialStore, type MaterialStore } from '../../agent/material/material-store.ts';
import { parseManifests } from '../../manifests/index.ts';
import { createFakeSource, type FakeSource } from '../fakes/fake-source.ts';

const secret = (value: string): string =>
  `apiVersion: v1\nkind: Secret\nmetadata: { name: login }\nstringData: { password: ${value} }\n`;

let source: FakeSource;
let reads: string[];
let store: MaterialStore;

beforeEach(() => {
  source = createFakeSource();
  reads = [];
  store = createMaterialStore({
    read: (commit) => {
      reads.push(commit);
      return source.read(commit);
    },
  });
});

const take = (text: string): string => {
  const commit = source.commit(text);
  store.take(commit, parseManifests([{ path: 'a.yaml', text }]).resources);
  return commit;
};
const password = async (commit: string): Promise<string | undefined> => {
  const bytes = (await store.at(commit)).values('Secret', 'default', 'login')?.get('password');
  return bytes && new TextDecoder().decode(bytes);
};

describe('the material of a revision', () => {
  test('is kept while it is the newest, and needs no local copy then', async () => {
    const commit = take(secret('one'));
    source.loseLocalCopy();
    expect([await password(commit), reads]).toEqual(['one', []]);
  });

  test('of before is read again from its own commit, once for all that ask', async () => {
    const old = take(secret('one'));
    const now = take(secret('two'));
    expect(await Promise.all([password(old), password(old), password(now)])).toEqual(['one', 'one', 'two']);
    expect(reads).toEqual([old]);
  });

  test('that cannot be read is told by its commit, and asked for again the next time', async () => {
    const old = take(secret('one'));
    take(secret('two'));
    const { read } = source;
    source.read = () => Promise.reject(new Error('the object is torn'));
    await expect(store.at(old)).rejects.toMatchObject({
      code: 'material',
      message: `ConfigMaps and Secrets of commit ${old} cannot be read: the object is torn`,
    });
    source.read = read;
    expect(await password(old)).toBe('one');
    expect(reads).toEqual([old, old]);
  });

  test('of older and older ones is not kept for ever', async () => {
    const commits = ['a', 'b', 'c', 'd', 'e', 'f'].map((value) => take(secret(value)));
    for (const commit of commits) await store.at(commit);
    expect(reads).toEqual(commits.slice(0, 5));
    await store.at(commits[4] ?? '');
    expect(reads).toHaveLength(5);
    expect(await password(commits[0] ?? '')).toBe('a');
    expect(reads).toHaveLength(6);
  });

  test('has what its commit declares, by kind and namespace, and nothing else', async () => {
    const material = await store.at(take(secret('one')));
    expect(material.values('ConfigMap', 'default', 'login')).toBeNull();
    expect(material.values('Secret', 'other', 'login')).toBeNull();
    expect(material.claim('default', 'login')).toBeNull();
  });
});
