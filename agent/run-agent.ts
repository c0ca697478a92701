import { once } from 'node:events';
import { withAgent } from './compose.ts';
import type { LoadedConfig } from './config/load-config.ts';
import { createPollSchedule } from './source/index.ts';

/**
 * Runs the agent until SIGTERM or SIGINT. SIGHUP polls the source at once. Containers outlive it.
 * @param log one line for people about the agent's own life; what it does is told over OpenTelemetry and `holdfast status`.
 * @throws coded errors when it cannot start: another agent runs, or a part of the configuration cannot be used.
 */
export function runAgent(config: LoadedConfig, log: (line: string) => void): Promise<void> {
  return withAgent(config, async (agent, api) => {
    const { url, branch, schedule: cron, jitterSeconds } = config.source;
    const onDue = (): Promise<void> => agent.poll();
    const schedule = createPollSchedule({ cron, jitterMs: jitterSeconds * 1_000, random: Math.random, onDue });
    const poll = (): void => schedule.trigger();
    process.on('SIGHUP', poll);
    try {
      api.serve(agent);
      await agent.start();
      poll();
      log(`holdfast agent of node ${config.node.name} runs (pid ${process.pid}), following ${branch} of ${url}`);
      log(`${await endSignal()}: ending; containers run on`);
    } finally {
      process.off('SIGHUP', poll);
      schedule.stop();
    }
  });
}

function endSignal(): Promise<string> {
  return Promise.race([once(process, 'SIGTERM').then(() => 'SIGTERM'), once(process, 'SIGINT').then(() => 'SIGINT')]);
}
