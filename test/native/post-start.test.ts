import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { ContainerSpec } from '../../native/index.ts';
import { type ContainerStage, openContainerStage, readLog, untilSome } from './container-stage.ts';

let stage: ContainerStage;

beforeEach(async () => {
  stage = await openContainerStage();
});

afterEach(() => stage.close());

const REF = { sandboxId: 'pod', name: 'app' };

/** A container that says so once its postStart command runs, which never ends. */
function hangingSpec(): ContainerSpec {
  const script = 'until test -e /hooked; do sleep 0.02; done; echo hooked; sleep 1000';
  return { ...stage.spec(script), postStart: ['sh', '-c', 'touch /hooked; sleep 1000'] };
}

async function untilHooked(): Promise<void> {
  await untilSome(async () => (await readLog(hangingSpec(), 'stdout')).includes('hooked'));
}

test('a postStart command runs in the container, confined as it is, and is over when the start is', async () => {
  await stage.sandbox();
  const script = 'echo $$ > /dev/shm/main; until test -e /hooked; do sleep 0.02; done; cat /hooked; sleep 1000';
  const spec = {
    ...stage.spec(script, { process: { user: { uid: 0, gid: 0, umask: 0o22, additionalGids: [] } } }),
    postStart: ['sh', '-c', 'grep CapEff /proc/self/status > /hook; busybox mv /hook /hooked'],
  };
  await stage.backend.startContainer(spec);
  const [line] = await untilSome(async () => {
    const lines = await readLog(spec, 'stdout');
    return lines.length > 0 && lines;
  });
  expect(line).toBe('CapEff:\t0000000000000000');
  expect((await stage.cgroups.pids('pod/.exec')).length).toBe(0);
});

test('a stop does not wait for it, and the start fails', async () => {
  await stage.sandbox();
  const started = stage.backend.startContainer(hangingSpec()).catch((error: unknown) => error);
  await untilHooked();
  await stage.backend.stopContainer(REF, { graceMs: 0 });
  expect(await started).toMatchObject({ code: 'hook-failed', message: expect.stringContaining('SIGKILL') });
  expect((await stage.backend.observe()).sandboxes[0]?.containers).toEqual([]);
});

test('what an agent left in the midst of it is killed by the next, and can be started again', async () => {
  await stage.sandbox();
  // The agent that waits for it stands for one that died: the next one opens the same directories.
  const started = stage.backend.startContainer(hangingSpec()).catch((error: unknown) => error);
  await untilHooked();
  const next = await stage.reopen();
  expect(await started).toMatchObject({ code: 'hook-failed' });
  await next.startContainer({ ...hangingSpec(), postStart: ['true'] });
  expect((await next.observe()).sandboxes[0]?.containers).toMatchObject([{ name: 'app', state: 'running' }]);
});
