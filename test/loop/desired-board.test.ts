import { setImmediate as soon } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { createDesiredBoard, type DesiredBoard } from '../../agent/loop/desired-board.ts';
import { parseRevision } from '../../agent/loop/parse-revision.ts';
import { prepare } from '../../agent/loop/prepare.ts';
import { materialOf } from '../../agent/material/material.ts';
import { createMaterialStore } from '../../agent/material/material-store.ts';
import type { DesiredWorkload, Version } from '../../agent/reconcile/state.ts';
import type { PolicyInput, Verdict } from '../../policies/index.ts';
import { createFakeImages, type FakeImages } from '../fakes/fake-images.ts';
import { createFakeSource } from '../fakes/fake-source.ts';
import { createRecordingTelemetry } from '../fakes/recording-telemetry.ts';
import { deployment, documents, pod } from '../reconcile/manifests.ts';

const KEY = 'default/web';
const DENIED: Verdict = { decision: 'deny', findings: [] };

let images: FakeImages;
let judge: (input: PolicyInput) => Promise<Verdict> | Verdict;
let now: number;
let changes: number;
let board: DesiredBoard;

beforeEach(() => {
  [images, judge, now, changes] = [createFakeImages(), () => ({ decision: 'allow' }), 1_000, 0];
  board = makeBoard();
});

const ports = () => ({
  images,
  engine: { evaluate: async (input: PolicyInput) => judge(input) },
  telemetry: createRecordingTelemetry(),
  node: { name: 'n', labels: {} },
  inputKey: new Uint8Array(32),
  now: () => now,
});

function makeBoard(...lastGood: readonly Version[]): DesiredBoard {
  return createDesiredBoard({
    ...ports(),
    material: createMaterialStore(createFakeSource()),
    lastGood: new Map(lastGood.map((version) => [`${version.workload.namespace}/${version.workload.name}`, version])),
    onChange: () => {
      changes += 1;
    },
  });
}

const parsed = (yaml: string, commit = 'c1') => {
  const revision = { commit, signer: 's', committedAt: 0, subject: '', files: [{ path: 'f.yaml', text: yaml }] };
  const result = parseRevision(revision, {}, []);
  if (!result.ok) throw new Error(result.refused.message);
  return result.parsed;
};
const wanted = (key = KEY): DesiredWorkload => {
  const found = board.desired()?.workloads.find((workload) => workload.key === key);
  if (found === undefined) throw new Error(`${key} is not wanted`);
  return found;
};
const judged = (): { readonly version: Version; readonly verdict: Verdict } => {
  const state = wanted().wanted;
  if (state.state !== 'judged') throw new Error(`not judged but ${state.state}`);
  return state;
};
const versionOf = async (yaml: string): Promise<Version> => {
  const [located] = parsed(yaml).workloads;
  if (located === undefined) throw new Error('no workload');
  const prepared = await prepare(located, { revision: 'c0', material: materialOf([]), imagePolicies: [] }, ports());
  if (!prepared.ok) throw new Error(prepared.failure.reason);
  return prepared.version;
};

describe('a revision', () => {
  test('is the desired state at once, and each workload is known when it was judged', async () => {
    expect(board.desired()).toBeNull();
    const taken = board.take(parsed(documents(deployment(), pod())));
    expect(board.desired()?.revision).toBe('c1');
    expect(board.desired()?.workloads.map(({ key, wanted: state }) => [key, state.state])).toEqual([
      ['default/job', 'preparing'],
      ['default/web', 'preparing'],
    ]);
    await taken;
    expect(judged().verdict).toEqual({ decision: 'allow' });
    expect(changes).toBe(3);
  });

  test('keeps the verdict of a workload it does not change, until the new one is there', async () => {
    await board.take(parsed(deployment()));
    const before = judged().version;
    const taken = board.take(parsed(documents(deployment(), pod()), 'c2'));
    expect(judged().version).toBe(before);
    await taken;
    expect(judged().version.revision).toBe('c2');
  });

  test('taken while the one before is still judged is not overtaken by it', async () => {
    const slow = Promise.withResolvers<Verdict>();
    judge = () => slow.promise;
    const first = board.take(parsed(deployment({ image: 'reg.test/app:1' })));
    judge = () => ({ decision: 'allow' });
    await board.take(parsed(deployment({ image: 'reg.test/app:2' }), 'c2'));
    slow.resolve(DENIED);
    await first;
    expect([judged().version.revision, judged().verdict.decision]).toEqual(['c2', 'allow']);
  });
});

describe('a workload that cannot be resolved', () => {
  beforeEach(async () => {
    images.breakDown('reg.test/app:1', 'unreachable');
    await board.take(parsed(deployment()));
  });

  test('is tried again when it is due, later each time', async () => {
    expect(wanted().wanted).toEqual(expect.objectContaining({ state: 'unresolved', retryAt: now + 1_000 }));
    board.retryDue(now);
    await soon();
    expect(changes).toBe(2);
    now += 1_000;
    board.retryDue(now);
    await soon();
    expect(wanted().wanted).toEqual(expect.objectContaining({ retryAt: now + 2_000 }));
    images.repair('reg.test/app:1');
    now += 2_000;
    board.retryDue(now);
    await soon();
    expect(judged().verdict.decision).toBe('allow');
  });

  test('is not asked for twice at the same time', async () => {
    let asked = 0;
    images.resolve = async () => {
      asked += 1;
      return new Promise(() => undefined);
    };
    board = makeBoard();
    void board.take(parsed(deployment()));
    await soon();
    board.retryDue(now + 1_000_000);
    await soon();
    expect(asked).toBe(1);
  });

  test('and an evaluation that throws is such a failure', async () => {
    images.repair('reg.test/app:1');
    judge = () => Promise.reject(new Error('closed'));
    await board.take(parsed(deployment(), 'c2'));
    expect(wanted().wanted).toEqual(
      expect.objectContaining({ state: 'unresolved', failure: expect.objectContaining({ reason: 'closed' }) }),
    );
    judge = () => ({ decision: 'allow' });
    board.retryDue(now + 1_000_000);
    await soon();
    expect(judged().verdict.decision).toBe('allow');
  });
});

describe('the last good version', () => {
  test('of before the start is judged by the policies of today', async () => {
    board = makeBoard(await versionOf(deployment({ image: 'reg.test/app:0' })));
    judge = ({ pod: { containers } }) => (containers[0]?.image.endsWith(':0') ? DENIED : { decision: 'allow' });
    await board.take(parsed(deployment()));
    expect(wanted().lastGood?.verdict.decision).toBe('deny');
  });

  test('is judged without a revision for whoever asks', async () => {
    board = makeBoard(await versionOf(deployment()));
    expect((await board.lastGood(KEY))?.verdict.decision).toBe('allow');
    expect(await board.lastGood('default/other')).toBeNull();
  });

  test('is the newest that was promoted, even while an old one is still judged', async () => {
    const old = await versionOf(deployment({ image: 'reg.test/app:0' }));
    board = makeBoard(old);
    const slow = Promise.withResolvers<Verdict>();
    judge = ({ pod: { containers } }) => (containers[0]?.image.endsWith(':0') ? slow.promise : { decision: 'allow' });
    const first = board.take(parsed(deployment()));
    const next = { version: await versionOf(deployment()), verdict: { decision: 'allow' } } as const;
    board.promote(next);
    slow.resolve({ decision: 'allow' });
    await first;
    expect(wanted().lastGood).toBe(next);
    expect(wanted().former).toEqual([old.identity]);
  });

  test('is forgotten with its workload, even while it is still judged', async () => {
    board = makeBoard(await versionOf(deployment()));
    const slow = Promise.withResolvers<Verdict>();
    judge = () => slow.promise;
    const first = board.take(parsed(deployment()));
    await soon();
    judge = () => ({ decision: 'allow' });
    await board.take(parsed(pod(), 'c2'));
    slow.resolve({ decision: 'allow' });
    await first;
    await board.take(parsed(deployment({ image: 'reg.test/app:3' }), 'c3'));
    expect(wanted().lastGood).toBeNull();
  });

  test('of a workload that is not wanted any more is not promoted', async () => {
    await board.take(parsed(deployment()));
    const good = judged();
    await board.take(parsed(pod(), 'c2'));
    board.promote(good);
    await board.take(parsed(deployment(), 'c3'));
    expect(wanted().lastGood).toBeNull();
  });
});

describe('the version of a pod', () => {
  test('is the wanted one, or the last good one, by identity', async () => {
    await board.take(parsed(deployment({ image: 'reg.test/app:1' })));
    const first = judged();
    board.promote(first);
    await board.take(parsed(deployment({ image: 'reg.test/app:2' }), 'c2'));
    expect(board.version(first.version.identity, KEY)).toBe(first.version);
    expect(board.version(judged().version.identity, KEY)?.revision).toBe('c2');
    expect(board.version('sha256:other', KEY)).toBeUndefined();
    expect(board.version(first.version.identity, 'default/other')).toBeUndefined();
  });

  test('is never a denied one, though it may share its identity with one that is allowed', async () => {
    await board.take(parsed(deployment({ memory: '64Mi' })));
    const good = judged();
    board.promote(good);
    judge = () => DENIED;
    await board.take(parsed(deployment({ memory: '1Gi' }), 'c2'));
    expect(judged().version.identity).toBe(good.version.identity);
    expect(board.version(good.version.identity, KEY)).toBe(good.version);
    board.promote({ ...good, verdict: DENIED });
    expect(board.version(good.version.identity, KEY)).toBeUndefined();
  });
});

test('identities that were wanted before are remembered, the newest sixteen', async () => {
  const identities: string[] = [];
  for (let tag = 0; tag < 20; tag++) {
    await board.take(parsed(deployment({ image: `reg.test/app:${tag}` }), `c${tag}`));
    identities.push(judged().version.identity);
  }
  expect(wanted().former).toEqual(identities.slice(3, 19));
});
