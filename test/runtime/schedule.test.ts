import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { bundleProcess } from '../../native/runtime/config/schema.ts';
import { launchProcessOf } from '../../native/runtime/launch/launch-process.ts';
import { type BundleStage, expectSuccess, openBundleStage } from './bundle-stage.ts';

let stage: BundleStage;
beforeEach(async () => {
  stage = await openBundleStage();
});
afterEach(() => stage.close());

/** @returns nice value and policy of a process (proc_pid_stat(5), fields 19 and 41). */
async function scheduleOf(pid: number | string): Promise<readonly [nice: number, policy: number]> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return [Number(fields[16]), Number(fields[38])];
}

describe('how a process is scheduled', () => {
  test('is as config.json says, before it runs, and so for programs run beside it', async () => {
    await stage.configure('busybox ionice -p 1; sleep 1000', (config) => {
      config.process.scheduler = { policy: 'SCHED_BATCH', nice: 7 };
      config.process.ioPriority = { class: 'IOPRIO_CLASS_BE', priority: 6 };
      config.linux.namespaces.push({ type: 'user' });
      const ids = [{ containerID: 0, hostID: 0, size: 65_536 }];
      Object.assign(config.linux, { uidMappings: ids, gidMappings: ids });
    });
    await expectSuccess(stage.runtime('create', 'c'));
    expect(await scheduleOf((await stage.state()).pid)).toEqual([7, 3]);
    await expectSuccess(stage.runtime('start', 'c'));
    const beside = await stage.runtime(
      'exec',
      'c',
      'sh',
      '-c',
      'busybox ionice -p $$; busybox cut -d" " -f19,41 /proc/$$/stat',
    );
    expect(beside.stdout).toBe('best-effort: prio 6\n7 3\n');
  });

  test('binds a program to CPUs, and what is not in order is refused by name', async () => {
    await stage.configure('sleep 1000');
    await expectSuccess(stage.runtime('run', '-d', 'c'));
    const file = join(stage.directory, 'process.json');
    const run = async (changes: object) => {
      const command = { args: ['busybox', 'grep', 'Cpus_allowed_list', '/proc/self/status'], cwd: '/' };
      await writeFile(file, JSON.stringify({ ...command, user: { uid: 0, gid: 0 }, env: ['PATH=/bin'], ...changes }));
      return stage.runtime('exec', '--process', file, 'c');
    };
    const bound = await run({ execCPUAffinity: { initial: '0', final: '1' } });
    expect(bound.stdout).toMatch(/^Cpus_allowed_list:\t1$/m);
    const refused = [
      [{ execCPUAffinity: { initial: '1-0' } }, 'execCPUAffinity.initial'],
      [{ scheduler: { policy: 'SCHED_FIFO' } }, 'scheduler: priority is for'],
      [{ scheduler: { policy: 'SCHED_FIFO', priority: 5, nice: 3 } }, 'scheduler: nice is for'],
      [{ scheduler: { policy: 'SCHED_ISO' } }, 'scheduler.policy'],
      [{ ioPriority: { class: 'IOPRIO_CLASS_BE', priority: 8 } }, 'ioPriority.priority'],
      [
        { scheduler: { policy: 'SCHED_DEADLINE', runtime: 9, deadline: 8, period: 7 } },
        'set scheduler failed with EINVAL',
      ],
      [{ execCPUAffinity: { final: '4000' } }, 'set cpu affinity failed with EINVAL'],
    ] as const;
    for (const [changes, message] of refused) {
      expect(await run(changes)).toMatchObject({ status: 1, stderr: expect.stringContaining(message) });
    }
  });

  test('comes to the kernel in its own numbers', () => {
    const process = bundleProcess.parse({
      ...{ args: ['true'], cwd: '/', user: { uid: 0, gid: 0 } },
      scheduler: {
        ...{ policy: 'SCHED_DEADLINE', flags: ['SCHED_FLAG_RESET_ON_FORK', 'SCHED_FLAG_RECLAIM'] },
        ...{ runtime: 10_000_000, deadline: 20_000_000, period: 30_000_000 },
      },
      ioPriority: { class: 'IOPRIO_CLASS_IDLE' },
      execCPUAffinity: { final: '0,65' },
    });
    const confinement = { seccomp: null, deniesDevices: false, personality: null };
    const { schedule } = launchProcessOf(process, confinement, { apparmorProfile: null, selinuxLabel: null });
    expect(schedule).toEqual({
      scheduler: {
        ...{ policy: 6, flags: 3n, nice: 0, priority: 0 },
        ...{ runtime: 10_000_000n, deadline: 20_000_000n, period: 30_000_000n },
      },
      ioPriority: 3 << 13,
      firstCpus: new Uint8Array(),
      cpus: new Uint8Array([1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0]),
    });
  });
});
