import { setTimeout as sleep } from 'node:timers/promises';
import { createFakeBackend } from '../fakes/fake-backend.ts';
import { FAKE_DISK } from '../fakes/fake-node.ts';
import { type ContractGround, containerBackendContract } from './container-backend-contract.ts';
import { fakeProgramOf } from './container-programs.ts';
import { fakeExecOf } from './exec-programs.ts';

containerBackendContract('fake', async (): Promise<ContractGround> => {
  const clock = { now: Date.now, sleep: (ms: number) => sleep(ms) };
  const backend = createFakeBackend({ clock, program: fakeProgramOf, exec: fakeExecOf });
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
    close: async () => {},
  };
});
