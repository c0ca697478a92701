import { once } from 'node:events';
import { serveApi } from './api/server.ts';
import { socketPath } from './api/socket-path.ts';
import { compose } from './compose.ts';
import type { LoadedConfig } from './config/load-config.ts';
import { createPollSchedule } from './source/index.ts';

/**
 * Runs the agent until SIGTERM or SIGINT. SIGHUP polls the source at once. Containers outlive it.
 * @param log one line for people about the agent's own life; what it does is told over OpenTelemetry and `holdfast status`.
 * @throws coded errors when it cannot start: another agent runs, or a part of the configuration cannot be used.
 */
export async function runAgent(config: LoadedConfig, log: (line: string) => void): Promise<void> {
  const { agent, close } = await compose(config);
  const api = await serveApi(socketPath(config), agent).catch(async (error) => {
    await close();
    throw error;
  });
  await agent.start();
  const schedule = createPollSchedule({
    cron: config.source.schedule,
    jitterMs: config.source.jitterSeconds * 1_000,
    random: Math.random,
    onDue: () => agent.poll(),
  });
  const poll = (): void => schedule.trigger();
  process.on('SIGHUP', poll);
  poll();
  log(
    `holdfast agent of node ${config.node.name} runs (pid ${process.pid}), following ${config.source.branch} of ${config.source.url}`,
  );
  const signal = await Promise.race([
    once(process, 'SIGTERM').then(() => 'SIGTERM'),
    once(process, 'SIGINT').then(() => 'SIGINT'),
  ]);
  log(`${signal}: ending; containers run on`);
  process.off('SIGHUP', poll);
  schedule.stop();
  await api.close();
  await close();
}
