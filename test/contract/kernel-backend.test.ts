import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { ContainerSpec, ObservedContainer } from '../../native/index.ts';

import { containerBackendContract } from './container-backend-contract.ts';
import { containerSpec, type ProgramName } from './container-programs.ts';
import { until } from './contract-stage.ts';
import { type KernelGround, openKernelGround } from './kernel-ground.ts';

containerBackendContract('kernel', openKernelGround);

describe('the kernel backend', () => {
  let ground: KernelGround;

  beforeEach(async () => {
    ground = await openKernelGround();
  });

  afterEach(() => ground.close());

  const start = async (sandboxId: string, program: ProgramName): Promise<ContainerSpec> => {
    const { backend } = ground;
    const limits = { memoryBytes: 2 ** 26, cpuMillis: 500, pids: 64 };
    const spec = containerSpec({ sandboxId, name: 'app', program, limits, ground });
    await backend.createSandbox({ id: sandboxId, labels: {}, hostname: 'web', network: 'private', users: 'private' });
    await backend.startContainer(spec);
    return spec;
  };

  test('takes a sandbox whose records are broken for a stranger, sees the others, and removes it', async () => {
    const { backend } = ground;
    await start('whole', 'polite');
    await start('broken', 'polite');
    const records = await readdir(ground.runDir, { recursive: true, withFileTypes: true });
    const broken = records.filter((entry) => entry.isFile() && entry.parentPath.includes('broken'));
    expect(broken.length).toBeGreaterThan(0);
    for (const { parentPath, name } of broken) await writeFile(join(parentPath, name), '{"id": 7');
    const { sandboxes, strangers } = await backend.observe();
    expect(sandboxes).toMatchObject([{ id: 'whole', state: 'ready', containers: [{ state: 'running' }] }]);
    expect(strangers.map(({ id }) => id)).toEqual(['broken']);
    expect(strangers[0]?.pids.length).toBeGreaterThan(0);
    await backend.removeStranger('broken');
    expect((await backend.observe()).strangers).toEqual([]);
    await backend.removeSandbox('whole');
    await ground.reopen();
    // Only the broken record knew where the logs are.
    expect(await ground.leftovers('broken')).toEqual([expect.stringMatching(/broken-app\.log$/)]);
  });

  test('tells an end that nobody saw as lost, always the same, and starts the container again', async () => {
    const { backend } = ground;
    const spec = await start('pod', 'polite');
    const observed = async (): Promise<ObservedContainer | undefined> =>
      (await backend.observe()).sandboxes[0]?.containers[0];
    const pid = (await observed())?.pid ?? null;
    process.kill(await parentOf(pid), 'SIGKILL');
    if (pid !== null) killIfThere(pid);
    await until(async () => (await observed())?.state === 'exited');
    const exit = { code: null, signal: null, oomKilled: false, lost: true, finishedAt: expect.any(Number) };
    const first = await observed();
    expect(first?.exit).toEqual(exit);
    expect(await observed()).toEqual(first);
    await backend.startContainer(spec);
    expect(await observed()).toMatchObject({ state: 'running', exit: null });
    await backend.removeSandbox('pod');
    expect(await ground.leftovers('pod')).toEqual([]);
  });
});

async function parentOf(pid: number | null): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^PPid:\s*(\d+)$/m.exec(status)?.[1]);
}

/** The kernel may have ended it with its shim already. */
function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    expect(error).toMatchObject({ code: 'ESRCH' });
  }
}
