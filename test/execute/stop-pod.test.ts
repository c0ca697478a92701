import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { stopPod } from '../../agent/execute/stop-pod.ts';
import { writeContainerLabels } from '../../agent/observe/labels.ts';
import { benchContainer } from '../bench/bench-node.ts';
import { createFakeBackend, type FakeBackend } from '../fakes/fake-backend.ts';
import type { FakeExec } from '../fakes/fake-exec.ts';

const node = { layer: '/', directory: '/nowhere' };
let backend: FakeBackend;
let ran: string[];
let does: FakeExec;

beforeEach(async () => {
  ran = [];
  does = {};
  backend = createFakeBackend({
    clock: { now: () => 0 },
    exec: ({ args }) => {
      ran.push(args.join(' '));
      return does;
    },
  });
  await backend.createSandbox({ id: 'pod', labels: {}, hostname: 'pod', network: 'private', users: 'private' });
});
afterEach(() => expect(backend.node.container({ sandboxId: 'pod', name: 'main' })?.exit).toBeTruthy());

const start = (preStop: readonly string[] | null, preStopSleepMs: number | null = null): Promise<void> =>
  backend.startContainer({
    ...benchContainer(node, 'pod', ['/bin/app']),
    labels: writeContainerLabels({
      ...{ restarts: 0, crashes: 0, image: '', preStop, preStopSleepMs },
      seccomp: null,
    }),
  });

describe('stopping a pod', () => {
  test('runs the preStop command first, then stops the container', async () => {
    await start(['drain', '--now']);
    await stopPod(backend, 'pod', 5_000);
    expect(ran).toEqual(['drain --now']);
    expect(backend.performed.slice(-2)).toEqual(['execContainer pod/main', 'stopContainer pod/main']);
  });

  test('waits first where it is told to, never longer than the grace period', async () => {
    await start(null, 60_000);
    const began = performance.now();
    await stopPod(backend, 'pod', 100);
    expect(performance.now() - began).toBeGreaterThanOrEqual(99);
    expect(backend.performed.slice(-1)).toEqual(['stopContainer pod/main']);
  });

  test('runs nothing without one', async () => {
    await start(null);
    await stopPod(backend, 'pod', 5_000);
    expect(ran).toEqual([]);
  });

  test.each<[string, FakeExec]>([
    ['fails', { code: 1 }],
    ['cannot be executed', { starts: false }],
    ['never ends', { does: 'stays' }],
  ])('stops the container all the same when the command %s', async (_name, behaviour) => {
    does = behaviour;
    await start(['drain']);
    await stopPod(backend, 'pod', 50);
    expect(ran).toEqual(['drain']);
  });
});
