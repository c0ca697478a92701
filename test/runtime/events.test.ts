import { execFileSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type BundleStage, expectSuccess, openBundleStage } from './bundle-stage.ts';

let stage: BundleStage;
beforeEach(async () => {
  stage = await openBundleStage();
});
afterEach(() => stage.close());

interface Event {
  readonly type: string;
  readonly id: string;
  // biome-ignore lint/suspicious/noExplicitAny: as an engine reads it
  readonly data?: any;
}

function eventsOf(lines: string): readonly Event[] {
  return lines
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

describe('events', () => {
  test('--stats tells once what a container uses, by its limits of now', async () => {
    await stage.configure('sleep 1000 & sleep 1000', (config) => {
      config.linux.resources = { memory: { limit: 2 ** 26 }, pids: { limit: 20 } };
    });
    await expectSuccess(stage.runtime('run', '-d', 'c'));
    await expectSuccess(
      stage.runtime('exec', 'c', 'busybox', 'dd', 'if=/dev/zero', 'of=/dev/null', 'bs=1M', 'count=500'),
    );
    await expectSuccess(stage.runtime('update', '--pids-limit', '30', 'c'));
    const [event, ...others] = eventsOf((await expectSuccess(stage.runtime('events', '--stats', 'c'))).stdout);
    expect(others).toEqual([]);
    expect(event).toMatchObject({ type: 'stats', id: 'c' });
    const { cpu, memory, pids } = event?.data ?? {};
    expect(cpu.usage.total).toBeGreaterThan(1_000_000);
    expect(memory.usage).toMatchObject({ limit: 2 ** 26 });
    expect(memory.usage.usage).toBeGreaterThan(0);
    expect(memory.usage.usage).toBeLessThan(2 ** 26);
    expect(pids.limit).toBe(30);
    expect(pids.current).toBeGreaterThanOrEqual(2);
  });

  test('tells of memory that ran out, and ends with the container', async () => {
    await stage.configure(
      'read go < /go; busybox dd if=/dev/zero of=/dev/null bs=200M count=1; read end < /end',
      (config) => {
        config.linux.resources = { memory: { limit: 2 ** 25, swap: 2 ** 25 } };
      },
    );
    for (const name of ['go', 'end']) execFileSync('mkfifo', [`${stage.rootfs}/${name}`]);
    await expectSuccess(stage.runtime('run', '-d', 'c'));
    const watching = stage.runtimeLines('events', '--interval', '100ms', 'c');
    await watching.until((line) => line.includes('"stats"'));
    await expectSuccess(stage.runtime('exec', 'c', 'sh', '-c', 'echo > /go'));
    await watching.until((line) => line.includes('"oom"'));
    await expectSuccess(stage.runtime('exec', 'c', 'sh', '-c', 'echo > /end'));
    expect(await watching.ended).toBe(0);
  });

  test.each([
    [['events', '--interval', '5', 'c'], '--interval'],
    [['events', 'absent'], 'does not exist'],
  ])('%j is refused', async (args, message) => {
    expect(await stage.runtime(...args)).toMatchObject({ status: 1, stderr: expect.stringContaining(message) });
  });
});
