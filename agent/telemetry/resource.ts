import { readFile } from 'node:fs/promises';
import { hostname, platform } from 'node:os';

/** Who sends: the same for every signal of this agent. Names of the semantic conventions (1.44). */
export type ResourceAttributes = Readonly<Record<string, string>>;

/** @returns the resource of an agent. `host.id` is the machine id (machine-id(5)), left out where there is none. */
export async function describeResource(agent: {
  readonly node: string;
  readonly version: string;
  readonly environment: string | null;
}): Promise<ResourceAttributes> {
  const machineId = await readFile('/etc/machine-id', 'utf8').catch(() => '');
  return {
    'service.name': 'holdfast-agent',
    'service.version': agent.version,
    'service.instance.id': agent.node,
    'host.name': hostname(),
    'os.type': platform(),
    ...(machineId.trim() !== '' && { 'host.id': machineId.trim() }),
    ...(agent.environment !== null && { 'deployment.environment.name': agent.environment }),
  };
}
