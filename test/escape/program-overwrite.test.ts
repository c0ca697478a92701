import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readLog, untilSome } from '../native/container-stage.ts';
import { buildProgram, type EscapeStage, openEscapeStage, resultName } from './escape-stage.ts';

const run = promisify(execFile);

let stage: EscapeStage;
let overwrite: string;

beforeAll(async () => {
  stage = await openEscapeStage();
  overwrite = join(stage.layer, 'bin/overwrite');
  await buildProgram(overwrite, 'overwrite.c');
  await buildProgram(join(stage.layer, 'bin/catch-runtime'), 'catch-runtime.c');
  await writeFile(join(stage.layer, 'bin/started-by-runtime'), '#!/proc/self/exe\n', { mode: 0o755 });
  await symlink('/proc/self/exe', join(stage.layer, 'bin/whoever-starts-me'));
});

afterAll(() => stage.close());

/** Attacks the program of a process as the node's root, and lets the process end meanwhile. @returns what came of it. */
async function overwriteProgramOf(pid: number, end: () => Promise<void>): Promise<string> {
  const attack = run(overwrite, [String(pid)]);
  await once(attack.child.stdout as NodeJS.ReadableStream, 'data');
  await end();
  const { stdout } = await attack;
  return resultName(Number(stdout.trim().split('\n').at(-1)));
}

describe('overwriting the program that starts containers (CVE-2019-5736)', () => {
  test('works on a plain file, once it no longer runs', async () => {
    const victim = join(stage.directory, 'victim');
    await copyFile('/bin/busybox', victim);
    const child = spawn(victim, ['sleep', '1000'], { argv0: 'busybox', stdio: 'ignore' });
    const ended = once(child, 'exit');
    const result = await overwriteProgramOf(child.pid as number, async () => {
      child.kill('SIGKILL');
      await ended;
    });
    expect(result).toBe('done');
    expect((await readFile(victim)).subarray(0, 4).toString('latin1')).toBe('#ELF');
  });

  test('is impossible on the shim, for the node’s root too', async () => {
    await stage.sandbox();
    const spec = stage.spec('sleep 1000');
    await stage.backend.startContainer(spec);
    const record = JSON.parse(await readFile(join(stage.runDir, 'sandboxes/pod/containers/app.json'), 'utf8'));
    const result = await overwriteProgramOf(record.running.shim.pid, () => stage.backend.removeSandbox('pod'));
    expect(result).toBe('EPERM');
  });

  test.each(['root', 'user', 'admin'] as const)(
    '%s cannot have the shim started as its own program',
    async (attacker) => {
      await stage.openPod(attacker);
      for (const program of ['/proc/self/exe', 'whoever-starts-me']) {
        const spec = stage.attackSpec(attacker, '', { process: { args: [program], env: ['PATH=/bin'] } });
        await expect(stage.backend.startContainer(spec)).rejects.toMatchObject({ stage: 'execve', errno: 'EACCES' });
      }
    },
  );

  test('is impossible when it is caught within a container of the node’s users', async () => {
    await stage.openPod('node root');
    const process = { capabilities: ['CAP_DAC_OVERRIDE'] };
    const spec = stage.attackSpec('node root', 'exec catch-runtime', { process });
    await stage.backend.startContainer(spec);
    const output = (): Promise<readonly string[]> => readLog(spec, 'stdout');
    await untilSome(async () => (await output()).includes('ready'));
    await untilSome(async () => {
      const tried = await stage.backend.execContainer(spec, { args: ['/bin/started-by-runtime'] }).catch(() => null);
      await tried?.exited;
      return (await output()).includes('caught');
    });
    await stage.exited(spec.name);
    expect(['EPERM', 'ETXTBSY']).toContain(resultName(Number((await output()).at(-1))));
  });

  test.each(['root', 'user', 'admin', 'node root'] as const)(
    '%s finds only itself in /proc/1/exe',
    async (attacker) => {
      const { stdout } = await stage.attack(attacker, 'readlink /proc/1/exe');
      expect(stdout).toEqual(['/bin/busybox']);
    },
  );
});
