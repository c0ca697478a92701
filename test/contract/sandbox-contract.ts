import { describe, expect, test } from '@jest/globals';
import type { ObservedSandbox } from '../../native/index.ts';
import { type ContractStage, LIMITS, NO_LIMITS, PATIENCE_MS, until } from './contract-stage.ts';

/** What the contract says about sandboxes, and about agents that come after another. */
export function sandboxContract(stage: ContractStage): void {
  describe('createSandbox', () => {
    test('makes one that is observed as it was asked for', async () => {
      await stage.backend.createSandbox(stage.sandbox);
      expect(await stage.observedSandbox()).toEqual({
        id: stage.sandbox.id,
        labels: stage.sandbox.labels,
        state: 'ready',
        pid: expect.any(Number),
        addresses: [],
        ports: [],
        guards: [],
        containers: [],
      });
      expect((await stage.backend.observe()).strangers).toEqual([]);
    });

    test('does nothing when it is there', async () => {
      await stage.backend.createSandbox(stage.sandbox);
      const before = await stage.observedSandbox();
      await stage.backend.createSandbox(stage.sandbox);
      expect(await stage.observedSandbox()).toEqual(before);
    });

    test('works on the host’s network and users too', async () => {
      await stage.backend.createSandbox({ ...stage.sandbox, network: 'host', users: 'host' });
      const spec = await stage.start('polite');
      expect((await stage.present(spec)).state).toBe('running');
    });

    test.each([
      { processes: 'shared', sysctls: { 'net.ipv4.ip_default_ttl': '33', 'kernel.shmmni': '100' } },
      { processes: 'host', ipc: 'host' },
      { processes: 'shared', users: 'host' },
      { processes: 'host', ipc: 'host', users: 'host' },
    ] as const)('works with %j', async (changes) => {
      await stage.backend.createSandbox({ ...stage.sandbox, ...changes });
      const spec = await stage.start('polite');
      await stage.ground.untilReady(spec);
      expect((await stage.present(spec)).state).toBe('running');
      await stage.backend.stopContainer(spec, { graceMs: PATIENCE_MS });
      expect((await stage.observed(spec))?.exit).toMatchObject({ code: 7, signal: null, lost: false });
    });

    test.each([
      [{ sysctls: { 'kernel.hostname': 'x' } }],
      [{ sysctls: { 'vm.swappiness': '1' } }],
      [{ sysctls: { 'net/ipv4/ip_forward': '1' } }],
      [{ sysctls: { 'net.ipv4..ip_forward': '1' } }],
      [{ sysctls: { 'net.ipv4.ip_forward': '1\n' } }],
      [{ sysctls: { 'net.ipv4.ip_forward': '1' }, network: 'host' }],
      [{ sysctls: { 'kernel.shmmni': '1' }, ipc: 'host' }],
    ] as const)('refuses a parameter that would be the node’s: %j', async (changes) => {
      await expect(stage.backend.createSandbox({ ...stage.sandbox, ...changes })).rejects.toMatchObject({
        code: 'invalid-spec',
        message: expect.stringContaining(Object.keys(changes.sysctls)[0] ?? ''),
      });
      expect(await stage.observedSandbox()).toBeUndefined();
    });

    test.each(['', '.', '..', 'a/b', '../a', 'A', 'ä', 'a b', 'a\n', 'a'.repeat(201)])(
      'refuses the name %j',
      async (id) => {
        await expect(stage.backend.createSandbox({ ...stage.sandbox, id })).rejects.toMatchObject({
          code: 'invalid-spec',
        });
        expect(await stage.backend.observe()).toEqual({
          networks: [],
          traffic: { guards: [], allowed: [], services: [] },
          sandboxes: [],
          strangers: [],
        });
      },
    );
  });

  describe('removeSandbox', () => {
    test('takes all of it away, and does nothing the second time', async () => {
      await stage.backend.createSandbox(stage.sandbox);
      await stage.start('stubborn', LIMITS, 'a');
      await stage.exited(await stage.start('exits with 3', NO_LIMITS, 'b'));
      await stage.backend.removeSandbox(stage.sandbox.id);
      await stage.backend.removeSandbox(stage.sandbox.id);
      expect(await stage.backend.observe()).toEqual({
        networks: [],
        traffic: { guards: [], allowed: [], services: [] },
        sandboxes: [],
        strangers: [],
      });
      expect(await stage.ground.leftovers(stage.sandbox.id)).toEqual([]);
    });

    test('lets a dead one be made anew', async () => {
      await stage.backend.createSandbox(stage.sandbox);
      await stage.start('polite');
      await stage.ground.killSandbox((await stage.observedSandbox()) as ObservedSandbox);
      await until(async () => (await stage.observedSandbox())?.state === 'dead');
      expect((await stage.observedSandbox())?.pid).toBeNull();
      await expect(stage.start('polite', LIMITS, 'late')).rejects.toMatchObject({ code: 'not-found' });
      await stage.backend.removeSandbox(stage.sandbox.id);
      expect(await stage.ground.leftovers(stage.sandbox.id)).toEqual([]);
      await stage.backend.createSandbox(stage.sandbox);
      await stage.start('polite');
      expect(await stage.observedSandbox()).toMatchObject({ state: 'ready', containers: [{ state: 'running' }] });
    });
  });

  describe('an agent started anew', () => {
    test('sees what runs and what ended, and goes on with it', async () => {
      await stage.backend.createSandbox(stage.sandbox);
      const running = await stage.start('polite', LIMITS, 'a');
      const finished = await stage.start('exits with 3', LIMITS, 'b');
      await stage.ground.untilReady(running);
      await stage.exited(finished);
      const before = await stage.backend.observe();
      const next = await stage.ground.reopen();
      expect(await next.observe()).toEqual(before);
      await next.createSandbox(stage.sandbox);
      await next.startContainer(running);
      expect(await next.observe()).toEqual(before);
      await next.stopContainer(running, { graceMs: PATIENCE_MS });
      expect((await stage.observed(running, next))?.exit).toMatchObject({ code: 7, signal: null, lost: false });
    });

    test('is called back about containers it did not start', async () => {
      await stage.backend.createSandbox(stage.sandbox);
      const spec = await stage.start('polite');
      const next = await stage.ground.reopen();
      let calls = 0;
      const unwatch = next.watch(() => {
        calls += 1;
      });
      await stage.ground.killContainer(await stage.present(spec));
      await until(async () => calls > 0);
      unwatch();
      await until(async () => (await stage.observed(spec, next))?.exit?.signal === 'SIGKILL');
    });
  });
}
