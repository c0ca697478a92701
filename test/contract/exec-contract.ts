import type { Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { describe, expect, test } from '@jest/globals';
import type { ContainerSpec, ExecExit, ExecSession } from '../../native/index.ts';
import type { ContractStage } from './contract-stage.ts';
import { type ExecName, execSpec } from './exec-programs.ts';

interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly exit: ExecExit;
}

/** What the contract says about programs run in running containers. */
export function execContract(stage: ContractStage): void {
  const running = async (): Promise<ContainerSpec> => {
    await stage.backend.createSandbox(stage.sandbox);
    return stage.start('polite');
  };
  const exec = async (name: ExecName): Promise<ExecSession> =>
    stage.backend.execContainer(await running(), execSpec(name));

  describe('execContainer', () => {
    test('gives both outputs and the exit status', async () => {
      expect(await outcomeOf(await exec('writes to both'))).toEqual({
        stdout: 'to stdout\n',
        stderr: 'to stderr\n',
        exit: { code: 3, signal: null, lost: false },
      });
    });

    test('leaves the container as it was', async () => {
      const spec = await running();
      const before = await stage.present(spec);
      await outcomeOf(await stage.backend.execContainer(spec, execSpec('writes to both')));
      expect(await stage.present(spec)).toEqual(before);
    });

    test('carries input to its end, more of it than any buffer holds', async () => {
      const session = await exec('echoes');
      const sent = Buffer.alloc(1_000_000, 'holdfast ');
      session.stdin.end(sent);
      const [received, exit] = await Promise.all([buffer(session.stdout), session.exited]);
      expect(received.equals(sent)).toBe(true);
      expect(exit).toEqual({ code: 0, signal: null, lost: false });
    });

    test('ends what is killed', async () => {
      const session = await exec('stays');
      expect(await firstOf(session.stdout)).toBe('ready\n');
      session.kill();
      expect((await outcomeOf(session)).exit).toEqual({ code: null, signal: 'SIGKILL', lost: false });
      session.kill();
    });

    test('sends the signal given', async () => {
      const session = await exec('stays');
      await firstOf(session.stdout);
      session.kill('SIGTERM');
      expect((await outcomeOf(session)).exit).toMatchObject({ code: null, signal: 'SIGTERM' });
    });

    test('ends with its container', async () => {
      const spec = await running();
      const session = await stage.backend.execContainer(spec, execSpec('stays'));
      await firstOf(session.stdout);
      await stage.ground.killContainer(await stage.present(spec));
      expect((await outcomeOf(session)).exit).toMatchObject({ code: null, signal: 'SIGKILL' });
      expect((await stage.exited(spec)).exit).toMatchObject({ signal: 'SIGKILL', lost: false });
    });

    test('runs several side by side', async () => {
      const spec = await running();
      const sessions = await Promise.all(
        Array.from({ length: 6 }, () => stage.backend.execContainer(spec, execSpec('writes to both'))),
      );
      const outcomes = await Promise.all(sessions.map(outcomeOf));
      expect(outcomes.map(({ stdout, exit }) => [stdout, exit.code])).toEqual(sessions.map(() => ['to stdout\n', 3]));
    });

    test('says exec-failed for a program that is not there, and leaves nothing', async () => {
      const spec = await running();
      await expect(stage.backend.execContainer(spec, execSpec('missing'))).rejects.toMatchObject({
        code: 'exec-failed',
        errno: 'ENOENT',
      });
      expect((await stage.present(spec)).state).toBe('running');
    });

    test('says why for a container that does not run, or is paused, and for a spec that is none', async () => {
      const spec = await running();
      const asked = execSpec('writes to both');
      await expect(stage.backend.execContainer({ ...spec, name: 'none' }, asked)).rejects.toMatchObject({
        code: 'not-found',
      });
      await expect(stage.backend.execContainer(spec, { args: [] })).rejects.toMatchObject({ code: 'invalid-spec' });
      await expect(stage.backend.execContainer(spec, { ...asked, cwd: 'tmp' })).rejects.toMatchObject({
        code: 'invalid-spec',
      });
      await stage.backend.pauseContainer(spec);
      await expect(stage.backend.execContainer(spec, asked)).rejects.toMatchObject({ code: 'paused' });
    });
  });
}

async function outcomeOf(session: ExecSession): Promise<Outcome> {
  const [stdout, stderr, exit] = await Promise.all([text(session.stdout), text(session.stderr), session.exited]);
  return { stdout, stderr, exit };
}

/** What comes first; the stream stays open. */
function firstOf(output: Readable): Promise<string> {
  return new Promise((resolve, reject) => {
    output.once('data', (chunk: Buffer) => resolve(chunk.toString()));
    output.once('error', reject);
  });
}
