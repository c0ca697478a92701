import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { LimitEvent } from '../../native/index.ts';
import { type ContainerStage, openContainerStage, untilSome } from './container-stage.ts';

let stage: ContainerStage;
beforeEach(async () => {
  stage = await openContainerStage();
  await stage.sandbox();
});
afterEach(() => stage.close());

test('a refused fork and a held back CPU are told within seconds, with how often, and not those of before', async () => {
  const limits = { pids: 5, cpuMillis: 20 };
  const greedy = 'while :; do (sleep 1 & sleep 1 & sleep 1 & sleep 1 & sleep 1 & sleep 1) 2>/dev/null; done';
  await stage.backend.startContainer(stage.spec(greedy, { name: 'before', limits }));
  await untilSome(async () => ((await stage.cgroups.limitCounts('pod/before'))?.pidsMax ?? 0) > 0);
  const { pidsMax = 0 } = (await stage.cgroups.limitCounts('pod/before')) ?? {};
  const seen: LimitEvent[] = [];
  const unwatch = stage.backend.watchLimits((events) => seen.push(...events));
  await stage.backend.startContainer(stage.spec(greedy, { name: 'after', limits }));
  const found = (name: string, kind: LimitEvent['kind']): LimitEvent | undefined =>
    seen.find((event) => event.name === name && event.kind === kind);
  await untilSome(async () => found('after', 'pids-max') && found('after', 'cpu-throttled'));
  unwatch();
  expect(found('after', 'pids-max')).toEqual({
    sandboxId: 'pod',
    name: 'after',
    kind: 'pids-max',
    count: expect.any(Number),
  });
  const sum = seen
    .filter(({ name, kind }) => name === 'before' && kind === 'pids-max')
    .reduce((all, { count }) => all + count, 0);
  const now = (await stage.cgroups.limitCounts('pod/before'))?.pidsMax ?? 0;
  expect(sum).toBeLessThanOrEqual(now - pidsMax);
});

test('a pod weighs what its containers do together', async () => {
  const read = async (): Promise<unknown> =>
    (await stage.cgroups.read('pod', { memoryBytes: null, cpuMillis: null, pids: null, cpuShares: 1_536 }))?.cpuShares;
  const before = await read();
  await stage.backend.startContainer(stage.spec('sleep 1000', { name: 'a', limits: { cpuShares: 512 } }));
  await stage.backend.startContainer(stage.spec('sleep 1000', { name: 'b' }));
  expect(await read()).toBe(1_536);
  const ref = { sandboxId: 'pod', name: 'a' };
  await stage.backend.updateLimits(ref, { memoryBytes: null, cpuMillis: null, pids: null });
  expect(await read()).toBe(before);
});
