import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type ContainerStage, openContainerStage, readLog, untilSome } from '../../native/container-stage.ts';
import { makeTempDir, type TempDir } from '../../world/temp-dir.ts';

const run = promisify(execFile);

const NAME = 'holdfast-test-profile';
/** Everything is allowed but to write one file. */
const PROFILE = `profile ${NAME} flags=(attach_disconnected, mediate_deleted) {
  file,
  capability,
  signal,
  deny /etc/kept w,
}
`;
const SCRIPT =
  'cat /proc/self/attr/current; for file in kept free; do (echo > /etc/$file) 2>/dev/null && echo $file written; done';
const EXPECTED = [`${NAME} (enforce)`, 'free written'];

let directory: TempDir;
let profileFile: string;
let stage: ContainerStage;

beforeAll(async () => {
  directory = await makeTempDir();
  profileFile = join(directory.path, 'profile');
  await writeFile(profileFile, PROFILE);
  await run('apparmor_parser', ['--replace', '--skip-cache', profileFile]);
});

afterAll(async () => {
  await run('apparmor_parser', ['--remove', profileFile]);
  await directory.remove();
});

beforeEach(async () => {
  stage = await openContainerStage();
  await stage.sandbox();
});

afterEach(() => stage.close());

describe('a kernel with AppArmor', () => {
  test('holds a container to its profile', async () => {
    const { stdout } = await stage.run(SCRIPT, { process: { apparmorProfile: NAME } });
    expect(stdout).toEqual(EXPECTED);
  });

  test('holds a program run in the container to it too', async () => {
    const spec = stage.spec('echo ready; sleep 1000', { process: { apparmorProfile: NAME } });
    await stage.backend.startContainer(spec);
    await untilSome(async () => (await readLog(spec, 'stdout')).includes('ready'));
    const session = await stage.backend.execContainer(spec, { args: ['sh', '-c', SCRIPT] });
    session.stderr.resume();
    expect((await text(session.stdout)).trimEnd().split('\n')).toEqual(EXPECTED);
  });

  test('does not confine a container that asks for no profile, or for none by name', async () => {
    const { stdout } = await stage.run(SCRIPT);
    expect(stdout).toEqual(['unconfined', 'kept written', 'free written']);
    const named = await stage.run(SCRIPT, { name: 'named', process: { apparmorProfile: 'unconfined' } });
    expect(named.stdout).toEqual(['unconfined', 'kept written', 'free written']);
  });

  test('has a profile that is not loaded refused, and starts nothing', async () => {
    const spec = stage.spec('true', { process: { apparmorProfile: 'holdfast-test-absent' } });
    await expect(stage.backend.startContainer(spec)).rejects.toMatchObject({
      code: 'invalid-spec',
      message: expect.stringContaining('load it with apparmor_parser'),
    });
    expect((await stage.backend.observe()).sandboxes[0]?.containers).toEqual([]);
  });
});
