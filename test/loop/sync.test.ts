import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createDesiredBoard, type DesiredBoard } from '../../agent/loop/desired-board.ts';
import { createReporter } from '../../agent/loop/reporter.ts';
import { createSync, type Sync } from '../../agent/loop/sync.ts';
import { createMaterialStore } from '../../agent/material/material-store.ts';
import { SourceError } from '../../agent/source/index.ts';
import { openStateFiles, type StateFiles } from '../../agent/state/state-files.ts';
import { createFakeImages } from '../fakes/fake-images.ts';
import { createFakeSource, type FakeSource } from '../fakes/fake-source.ts';
import { createRecordingTelemetry, type RecordingTelemetry } from '../fakes/recording-telemetry.ts';
import { deployment, documents, pod } from '../reconcile/manifests.ts';
import { makeTempDir, type TempDir } from '../world/temp-dir.ts';

let directory: TempDir;
let source: FakeSource;
let files: StateFiles;
let state: { -readonly [Key in keyof StateFiles]: StateFiles[Key] };
let telemetry: RecordingTelemetry;
let board: DesiredBoard;
let sync: Sync;
let settled: number;

beforeEach(async () => {
  directory = await makeTempDir();
  source = createFakeSource();
  files = openStateFiles(directory.path);
  state = { ...files };
  telemetry = createRecordingTelemetry();
  settled = 0;
  [board, sync] = make();
});
afterEach(() => directory.remove());

function make(): readonly [DesiredBoard, Sync] {
  const node = { name: 'n', labels: {} };
  const engine = { evaluate: async () => ({ decision: 'allow' }) as const };
  const onChange = (): void => undefined;
  const made = createDesiredBoard({
    ...{ images: createFakeImages(), engine, telemetry, node, now: Date.now, lastGood: new Map(), onChange },
    inputKey: new Uint8Array(32),
    material: createMaterialStore(source),
  });
  const settle = async (): Promise<void> => {
    settled += 1;
  };
  const reporter = createReporter(telemetry);
  return [
    made,
    createSync({ source, state, board: made, reporter, telemetry, branch: 'main', nodeLabels: {}, settle, onChange }),
  ];
}

const commit = async (yaml: string): Promise<string> => {
  const id = source.commit(yaml);
  await sync.poll();
  return id;
};
const full = (): Promise<never> =>
  Promise.reject(Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' }));

describe('a poll', () => {
  test('takes what is new, remembers it, and tells it once', async () => {
    const id = await commit(deployment());
    await sync.poll();
    expect(sync.state()).toEqual({
      revision: expect.objectContaining({ commit: id, signer: 'ops@example.org' }),
      refused: null,
      hasPolled: true,
      unreachable: null,
    });
    expect(board.desired()?.revision).toBe(id);
    expect(await files.readApplied()).toBe(id);
    expect(telemetry.eventsNamed('holdfast.source.revision.changed')).toHaveLength(1);
  });

  test('is one trace, from the fetch to what came of it', async () => {
    await commit(deployment());
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(settled).toBe(1);
    const [root, ...rest] = telemetry.spans;
    expect(root).toEqual(expect.objectContaining({ name: 'holdfast.reconcile', parent: null, ended: true }));
    expect(rest.map(({ name }) => name)).toEqual([
      'holdfast.source.fetch',
      'holdfast.manifest.parse',
      'holdfast.policy.evaluate',
    ]);
    expect(rest.every(({ parent }) => parent === root)).toBe(true);
    expect(
      telemetry.points.map(({ name, attributes }) => [name, attributes['holdfast.source.outcome']]),
    ).toContainEqual(['holdfast.source.fetch.duration', 'changed']);
  });

  test('at the same time as another leaves the newest commit on the board and on the disk', async () => {
    const slow = Promise.withResolvers<void>();
    let writes = 0;
    state.writeApplied = async (id) => {
      writes += 1;
      if (writes === 1) await slow.promise;
      await files.writeApplied(id);
    };
    source.commit(deployment({ image: 'reg.test/app:1' }));
    const first = sync.poll();
    await new Promise((resolve) => setTimeout(resolve, 20));
    const newest = source.commit(deployment({ image: 'reg.test/app:2' }));
    const second = sync.poll();
    await new Promise((resolve) => setTimeout(resolve, 20));
    slow.resolve();
    await Promise.all([first, second]);
    expect([board.desired()?.revision, await files.readApplied(), sync.state().revision?.commit]).toEqual([
      newest,
      newest,
      newest,
    ]);
    expect(telemetry.eventsNamed('holdfast.source.revision.changed')).toHaveLength(2);
  });

  test('forgets what ran well of workloads that left Git', async () => {
    await commit(documents(deployment(), pod()));
    const versions = board.desired()?.workloads.map(({ wanted }) => wanted) ?? [];
    for (const wanted of versions) if (wanted.state === 'judged') await files.writeLastGood(wanted.version);
    expect((await files.readLastGood()).size).toBe(2);
    await commit(pod());
    expect([...(await files.readLastGood()).keys()]).toEqual(['default/job']);
  });
});

describe('a commit is refused', () => {
  const settings = (level: string): string =>
    `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: settings }\ndata:\n  level: ${level}\nimmutable: true`;

  test('for what the applied one made immutable, also after a restart, until that has left Git', async () => {
    const good = await commit(documents(deployment(), settings('info')));
    const refusal = (bad: string): object => ({
      commit: bad,
      code: 'invalid-manifests',
      problems: [expect.objectContaining({ path: 'data.level' })],
    });
    expect(sync.state().refused).toBeNull();
    const bad = await commit(documents(deployment(), settings('debug')));
    expect(sync.state().refused).toMatchObject(refusal(bad));
    [board, sync] = make();
    await sync.restore();
    const again = await commit(documents(deployment(), settings('trace')));
    expect(sync.state()).toMatchObject({ revision: { commit: good }, refused: refusal(again) });
    await commit(deployment());
    const last = await commit(documents(deployment(), settings('debug')));
    expect(sync.state()).toMatchObject({ revision: { commit: last }, refused: null });
  });

  test('for its manifests: told once, the one before stays, and the next one clears it', async () => {
    const good = await commit(deployment());
    const bad = await commit('kind: Pod');
    await sync.poll();
    expect(sync.state()).toEqual({
      revision: expect.objectContaining({ commit: good }),
      refused: expect.objectContaining({ commit: bad, code: 'invalid-manifests' }),
      hasPolled: true,
      unreachable: null,
    });
    expect([board.desired()?.revision, await files.readApplied()]).toEqual([good, good]);
    expect(telemetry.eventsNamed('holdfast.source.refused')).toHaveLength(1);
    await commit(pod());
    expect(sync.state().refused).toBeNull();
  });

  test('for having no workload', async () => {
    await commit('# nothing');
    expect(sync.state().refused?.code).toBe('empty-revision');
  });

  test('and no more, once the branch is back at the commit that runs', async () => {
    const good = await commit(deployment());
    await commit('kind: Pod');
    source.goBackTo(good);
    await sync.poll();
    expect(sync.state().refused).toBeNull();
  });

  test('by the source, and taken as soon as the source has nothing against it any more', async () => {
    const id = source.commit(deployment());
    source.breakDown(new SourceError('untrusted-signer', 'nobody knows the signer', { commit: id }));
    await sync.poll();
    expect(sync.state().refused).toEqual({
      commit: id,
      code: 'untrusted-signer',
      message: 'nobody knows the signer',
      problems: [],
    });
    source.breakDown(null);
    await sync.poll();
    expect([sync.state().refused, sync.state().revision?.commit]).toEqual([null, id]);
  });
});

describe('a poll fails', () => {
  test.each([
    ['a server that is down', new SourceError('unreachable', 'no route'), 'unreachable'],
    ['a local copy that is broken', new SourceError('local-copy', 'lacks a blob', { commit: 'a' }), 'local-copy'],
  ])('for %s: the state says so, nothing else changes, and the next poll clears it', async (_name, error, code) => {
    const id = await commit(deployment());
    source.breakDown(error);
    await expect(sync.poll()).rejects.toBe(error);
    expect(sync.state()).toEqual({
      revision: expect.objectContaining({ commit: id }),
      refused: null,
      hasPolled: true,
      unreachable: { code, message: error.message },
    });
    source.breakDown(null);
    await sync.poll();
    expect(sync.state().unreachable).toBeNull();
  });

  test('when the commit cannot be recorded: it is not taken before it is', async () => {
    state.writeApplied = full;
    source.commit(deployment());
    await expect(sync.poll()).rejects.toThrow('ENOSPC');
    expect(sync.state()).toEqual({
      revision: null,
      refused: null,
      hasPolled: true,
      unreachable: { code: 'local-copy', message: expect.stringContaining('ENOSPC') },
    });
    expect(board.desired()).toBeNull();
    state.writeApplied = files.writeApplied;
    await sync.poll();
    expect(sync.state().revision).not.toBeNull();
    expect(telemetry.eventsNamed('holdfast.source.revision.changed')).toHaveLength(1);
  });
});

describe('a restart', () => {
  test('takes what was applied without the source, and tells no news', async () => {
    const id = await commit(deployment());
    state.writeApplied = full;
    [board, sync] = make();
    source.breakDown(new SourceError('unreachable', 'no route'));
    await sync.restore();
    expect([board.desired()?.revision, sync.state().revision?.commit, sync.state().hasPolled]).toEqual([id, id, false]);
    expect(telemetry.eventsNamed('holdfast.source.revision.changed')).toHaveLength(1);
  });

  test.each(['nothing was applied', 'the local copy is lost'])('waits for the source when %s', async (what) => {
    if (what === 'the local copy is lost') {
      await commit(deployment());
      source.loseLocalCopy();
    }
    [board, sync] = make();
    await sync.restore();
    expect(board.desired()).toBeNull();
  });
});
