import { readFile } from 'node:fs/promises';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { defaultSeccomp, type OciSeccomp } from '../../native/index.ts';
import { containerSpec } from '../contract/container-programs.ts';
import { until } from '../contract/contract-stage.ts';
import { type KernelGround, openKernelGround } from '../contract/kernel-ground.ts';

let ground: KernelGround;

beforeEach(async () => {
  ground = await openKernelGround();
});

afterEach(() => ground.close());

/** Tries, with every privilege in its namespaces, to mount and to make a namespace. @returns what the container wrote. */
async function attempt(seccomp: OciSeccomp | null): Promise<string> {
  const limits = { memoryBytes: 2 ** 26, cpuMillis: 500, pids: 64 };
  const spec = containerSpec({ sandboxId: 'pod', name: 'app', program: 'polite', limits, ground });
  const script = `
    busybox mkdir /mnt; busybox mount -t tmpfs none /mnt && echo mounted
    busybox unshare -u busybox true && echo unshared
    busybox sleep 0.01 && busybox uname && echo ended`;
  const { process, linux } = spec.config;
  await ground.backend.createSandbox({ id: 'pod', labels: {}, hostname: 'pod', network: 'private', users: 'private' });
  await ground.backend.startContainer({
    ...spec,
    config: {
      ...spec.config,
      process: { ...process, args: ['/bin/busybox', 'sh', '-c', script], capabilities: ['CAP_SYS_ADMIN'] },
      linux: { ...linux, seccomp },
    },
  });
  const log = (): Promise<string> => readFile(spec.log.path, 'utf8').catch(() => '');
  await until(async () => (await log()).includes('ended'));
  const written = await log();
  await ground.backend.removeSandbox('pod');
  return written;
}

test('a container under the default profile can neither mount nor make namespaces, though its capabilities allow it', async () => {
  const free = await attempt(null);
  expect(free).toContain('mounted');
  expect(free).toContain('unshared');
  const confined = await attempt(defaultSeccomp);
  expect(confined).not.toContain('mounted');
  expect(confined).not.toContain('unshared');
  expect(confined).toContain('Operation not permitted');
});
