import { join } from 'node:path';
import type { AgentConfig } from '../config/schema.ts';

/** @returns where the agent of this configuration listens. */
export function socketPath(config: Pick<AgentConfig, 'paths'>): string {
  return join(config.paths.run, 'agent.sock');
}
