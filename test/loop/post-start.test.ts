import { afterEach, expect, test } from '@jest/globals';
import { deployment } from '../reconcile/manifests.ts';
import { type AgentWorld, holds, startAgentWorld } from './agent-world.ts';

let world: AgentWorld;

afterEach(() => world.stop());

const withHook = (command: string): string =>
  deployment().replace('{ name: app, ', `{ name: app, lifecycle: { postStart: { exec: { command: [${command}] } } }, `);

test('a workload whose postStart command fails is not ready, says so, and the next commit mends it', async () => {
  const ran: string[] = [];
  world = await startAgentWorld({
    exec: ({ args }) => {
      ran.push(args.join(' '));
      return args[0] === 'broken' ? { code: 1 } : {};
    },
  });
  await world.commit(withHook('broken'));
  const status = await world.until('it fails', ({ workloads }) => workloads[0]?.message.includes('postStart') === true);
  expect(status.workloads[0]).toMatchObject({ ready: 0, message: expect.stringContaining('app failed') });
  expect((await world.backend.observe()).sandboxes.flatMap(({ containers }) => containers)).toEqual([]);
  const commit = await world.commit(withHook('fine'));
  await world.until('it runs', (now) => now.revision?.commit === commit && holds(now, 'Synced'));
  expect(ran.at(-1)).toBe('fine');
});
