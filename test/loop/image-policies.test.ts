import { setImmediate as soon } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from '@jest/globals';
import type { Signer } from '../../agent/images/evidence.ts';
import { createDesiredBoard, type DesiredBoard } from '../../agent/loop/desired-board.ts';
import { parseRevision } from '../../agent/loop/parse-revision.ts';
import { createMaterialStore } from '../../agent/material/material-store.ts';
import type { DesiredWorkload } from '../../agent/reconcile/state.ts';
import type { Verdict } from '../../policies/index.ts';
import { createFakeImages, type FakeImages } from '../fakes/fake-images.ts';
import { createFakeSource } from '../fakes/fake-source.ts';
import { createRecordingTelemetry } from '../fakes/recording-telemetry.ts';
import { deployment, documents } from '../reconcile/manifests.ts';

const IMAGE = 'reg.test/app:1';
const MINUTE_MS = 60_000;

let images: FakeImages;
let now: number;
let board: DesiredBoard;
let said: Verdict;

beforeEach(() => {
  [images, now, said] = [createFakeImages(), 1_000, { decision: 'allow' }];
  board = createDesiredBoard({
    images,
    engine: { evaluate: async () => said },
    telemetry: createRecordingTelemetry(),
    node: { name: 'n', labels: { role: 'edge' } },
    inputKey: new Uint8Array(32),
    material: createMaterialStore(createFakeSource()),
    now: () => now,
    lastGood: new Map(),
    onChange: () => undefined,
  });
});

const policy = (spec = '{ repositories: [reg.test], authorities: [{ name: release, key: { file: /k } }] }'): string =>
  `apiVersion: holdfast.dev/v1alpha1\nkind: ImagePolicy\nmetadata: { name: shop }\nspec: ${spec}\n`;
const signer: Signer = { authority: 'shop/release', kind: 'key', signer: 'sha256:a' };
const signedImage = () =>
  images.vouch(IMAGE, { signatures: [{ ...signer, subjectDigest: 'sha256:b', signedAt: null }] });
const take = (commit: string, ...parts: readonly string[]): Promise<void> => {
  const files = [{ path: 'fleet.yaml', text: documents(...parts) }];
  const result = parseRevision({ commit, signer: 's', committedAt: 0, subject: '', files }, { role: 'edge' }, []);
  if (!result.ok) throw new Error(JSON.stringify(result.refused));
  return board.take(result.parsed);
};
const workload = (): DesiredWorkload => {
  const [found] = board.desired()?.workloads ?? [];
  if (!found) throw new Error('nothing is wanted');
  return found;
};
const verdict = (): Verdict => {
  const { wanted } = workload();
  if (wanted.state !== 'judged') throw new Error(wanted.state);
  return wanted.verdict;
};
const later = async (ms: number): Promise<void> => {
  now += ms;
  board.retryDue(now);
  for (let turn = 0; turn < 10; turn += 1) await soon();
};

describe('an image that an ImagePolicy of the commit is for', () => {
  test('is denied at the line that names it until enough have signed it', async () => {
    await take('c1', deployment({ image: IMAGE }), policy());
    expect(verdict()).toMatchObject({
      decision: 'deny',
      findings: [
        {
          ...{ policy: 'image-policy', rule: 'image-not-signed', severity: 'deny', file: 'fleet.yaml' },
          path: 'spec.template.spec.containers[0].image',
          message: expect.stringMatching(/ImagePolicy shop wants 1 signer of release; there is none/),
        },
      ],
    });
    signedImage();
    await later(MINUTE_MS - 1);
    expect(verdict().decision).toBe('deny');
    await later(1);
    expect(verdict().decision).toBe('allow');
  });

  test('that counts is held to it again every ten minutes, and so is the last good version', async () => {
    signedImage();
    await take('c1', deployment({ image: IMAGE }), policy());
    const { wanted } = workload();
    if (wanted.state !== 'judged') throw new Error(wanted.state);
    board.promote(wanted);
    images.vouch(IMAGE, { rejected: [{ code: 'key-not-valid', detail: 'the key has ended' }] });
    await later(10 * MINUTE_MS - 1);
    expect(verdict().decision).toBe('allow');
    await later(1);
    expect(verdict()).toMatchObject({ findings: [{ message: expect.stringMatching(/key-not-valid/) }] });
    expect(workload().lastGood?.verdict.decision).toBe('deny');
  });

  test('keeps its verdict when it cannot be judged again', async () => {
    signedImage();
    await take('c1', deployment({ image: IMAGE }), policy());
    images.breakDown(IMAGE, 'store');
    await later(10 * MINUTE_MS);
    expect(verdict().decision).toBe('allow');
  });

  test('is denied by the packs as well', async () => {
    const place = { file: 'f', line: 1, column: 1, path: '' };
    said = { decision: 'deny', findings: [{ policy: 'p', rule: 'r', severity: 'deny', message: 'm', ...place }] };
    await take('c1', deployment({ image: IMAGE }), policy());
    expect(verdict()).toMatchObject({ findings: [{ policy: 'p' }, { policy: 'image-policy' }] });
  });
});

test('a commit that brings an ImagePolicy has the last good version judged by it', async () => {
  await take('c1', deployment({ image: IMAGE }));
  const { wanted } = workload();
  if (wanted.state !== 'judged') throw new Error(wanted.state);
  board.promote(wanted);
  await take('c2', deployment({ image: IMAGE }), policy());
  expect(workload().lastGood?.verdict.decision).toBe('deny');
  await take('c3', deployment({ image: IMAGE }));
  expect(workload().lastGood?.verdict.decision).toBe('allow');
});

test('one for other nodes asks nothing, and one for other images leaves this one without', async () => {
  const elsewhere = policy(
    '{ nodeSelector: { role: core }, repositories: ["*"], authorities: [{ name: a, key: { file: /k } }] }',
  );
  await take('c1', deployment({ image: IMAGE }), elsewhere);
  expect(verdict().decision).toBe('allow');
  await take('c2', deployment({ image: IMAGE }), policy('{ repositories: [other.test], acceptUnsigned: true }'));
  expect(verdict()).toMatchObject({ findings: [{ rule: 'no-image-policy' }] });
});
