import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { freePort } from '../world/program.ts';
import { runAgentProcess } from './agent-process.ts';

/** Ends an agent that has something to say to an endpoint. Times are in milliseconds. */
async function endAgent(endpoint: string): Promise<{ readonly shutdownMs: number; readonly afterwardsMs: number }> {
  const times = await runAgentProcess({
    main: `
      const endpoint = ${JSON.stringify(endpoint)};
      const telemetry = await createTelemetry({ endpoint, node: 'n', version: '1', environment: null, batchDelayMs: 20 });
      const say = () => telemetry.emit({ name: 'holdfast.reconcile.recovered', attributes: {} });
      say();
      await new Promise((resolve) => setTimeout(resolve, 100));
      say();
      const began = performance.now();
      await telemetry.shutdown();
      const ended = performance.now();
      say();
      telemetry.add('holdfast.drift.detections', 1, { 'holdfast.drift.field': 'container' });
      await telemetry.span('holdfast.source.fetch', {}, async () => undefined);
      await telemetry.flush();
      await telemetry.shutdown();
      console.log(JSON.stringify({ shutdownMs: ended - began, afterwardsMs: performance.now() - ended }));
      process.exit();
    `,
  });
  return times as { shutdownMs: number; afterwardsMs: number };
}

describe('shutdown with a receiver that does not take what is waiting', () => {
  const sockets: Socket[] = [];
  const server = createServer((socket) => sockets.push(socket.on('error', () => undefined)));
  let ends: Readonly<Record<'down' | 'mute', Awaited<ReturnType<typeof endAgent>>>>;

  beforeAll(async () => {
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as { port: number };
    const [down, mute] = await Promise.all([
      endAgent(`http://127.0.0.1:${await freePort()}`),
      endAgent(`http://127.0.0.1:${port}`),
    ]);
    ends = { down, mute };
  });
  afterAll(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });

  test.each(['down', 'mute'] as const)(
    '%s: it waits three seconds, and not until the receiver takes it',
    (receiver) => {
      expect(ends[receiver].shutdownMs).toBeGreaterThan(2_900);
      // An exporter by itself goes on for ten seconds.
      expect(ends[receiver].shutdownMs).toBeLessThan(8_000);
    },
  );

  test.each(['down', 'mute'] as const)('%s: later calls do nothing, and wait for nothing', (receiver) => {
    expect(ends[receiver].afterwardsMs).toBeLessThan(2_900);
  });

  test('the mute receiver was spoken to', () => {
    expect(sockets.length).toBeGreaterThan(0);
  });
});
