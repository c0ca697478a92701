import { readFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type ContainerStage, openContainerStage } from './container-stage.ts';

let stage: ContainerStage;

beforeEach(async () => {
  stage = await openContainerStage();
});

afterEach(() => stage.close());

describe.each(['private', 'host'] as const)('the shared memory of a pod with %s users', (users) => {
  test('is one for all its containers, and outlives each', async () => {
    await stage.sandbox({ users });
    await stage.run('echo from first > /dev/shm/note', { name: 'first' });
    await stage.backend.removeContainer({ sandboxId: 'pod', name: 'first' });
    const { stdout } = await stage.run('cat /dev/shm/note; echo from second > /dev/shm/note', { name: 'second' });
    expect(stdout).toEqual(['from first']);
    expect((await stage.run('cat /dev/shm/note', { name: 'third' })).stdout).toEqual(['from second']);
  });

  test('holds 64 MiB, is for everybody, and runs nothing', async () => {
    await stage.sandbox({ users });
    const user = { uid: 1000, gid: 1000, umask: 0o22, additionalGids: [] };
    const { stdout } = await stage.run(
      'stat -c "%a %F" /dev/shm; grep " /dev/shm " /proc/mounts; head -c 70000000 /dev/zero > /dev/shm/big; stat -c %s /dev/shm/big',
      { process: { user } },
    );
    expect(stdout[0]).toBe('1777 directory');
    expect(stdout[1]).toMatch(/^tmpfs \/dev\/shm tmpfs rw,nosuid,nodev,noexec,.*\bsize=65536k/);
    expect(stdout[2]).toBe(String(64 * 2 ** 20));
  });

  test('is of that pod alone, and shows in no mount table of the node', async () => {
    const before = await readFile('/proc/self/mountinfo', 'utf8');
    await stage.sandbox({ users });
    await stage.sandbox({ users, id: 'other' });
    await stage.run('echo x > /dev/shm/note');
    const { stdout } = await stage.run('ls /dev/shm', { sandboxId: 'other', name: 'theirs' });
    expect(stdout).toEqual([]);
    const added = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').filter((line) => !before.includes(line));
    expect(added.filter((line) => line.includes('65536k'))).toEqual([]);
  });
});

test('the holder of a pod sees nothing of the node’s files', async () => {
  await stage.sandbox();
  const pid = (await stage.backend.observe()).sandboxes[0]?.pid;
  expect((await readFile(`/proc/${pid}/mountinfo`, 'utf8')).trimEnd().split('\n')).toEqual([
    expect.stringContaining(' / / '),
    expect.stringMatching(/ \/ \/shm .* - tmpfs tmpfs /),
  ]);
});
