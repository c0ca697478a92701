import { mkdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createFakeBackend } from '../fakes/fake-backend.ts';
import { FAKE_DISK } from '../fakes/fake-node.ts';
import { makeTempDir } from '../world/temp-dir.ts';
import { type ContractGround, containerBackendContract } from './container-backend-contract.ts';
import { fakeProgramOf } from './container-programs.ts';
import { fakeExecOf } from './exec-programs.ts';

containerBackendContract('fake', async (): Promise<ContractGround> => {
  const { path: directory, remove } = await makeTempDir();
  const clock = { now: Date.now, sleep: (ms: number) => sleep(ms) };
  const volumesDir = join(directory, 'volumes');
  const backend = createFakeBackend({ clock, volumesDir, program: fakeProgramOf, exec: fakeExecOf });
  const { node } = backend;
  return {
    backend,
    layers: ['/nowhere'],
    disk: FAKE_DISK,
    logDirectory: '/nowhere',
    reopen: async () => createFakeBackend({ clock, node, program: fakeProgramOf, exec: fakeExecOf }),
    untilReady: async () => {},
    killContainer: async (container) => node.killContainer(container),
    killSandbox: async ({ id }) => node.killSandbox(id),
    unplug: async ({ id }) => node.unplug(id),
    tamperLimits: async (container, limits) => node.tamperLimits(container, limits),
    addStranger: async () => {
      node.addStranger('strange', [77]);
      return { id: 'strange', pid: 77 };
    },
    leftovers: async (id) => {
      const left = node.observe();
      return [
        ...left.sandboxes.filter((sandbox) => sandbox.id === id).map((sandbox) => sandbox.id),
        ...left.strangers.map((stranger) => stranger.id),
      ];
    },
    directory,
    share: async (path) => mkdirSync(path),
    mountOn: async (path, { name, text }) => writeFile(join(node.mountOn(path), name), text),
    isMountPoint: async (path) => node.mountPoints().some(({ at }) => at === path),
    close: async () => {
      node.unmountAll();
      await remove();
    },
  };
});
