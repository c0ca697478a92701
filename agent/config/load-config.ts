import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { formatProblem, type Place, type Problem, readYaml, validate } from '../../manifests/index.ts';
import { type AgentConfig, agentConfigSchema } from './schema.ts';

/** A configuration that cannot be used; the message names file, line and field of every problem. */
export class ConfigError extends Error {
  readonly code = 'bad-config';
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems.map(formatProblem).join('\n'));
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/** A configuration with its node name settled. */
export type LoadedConfig = AgentConfig & { readonly node: { readonly name: string } };

/**
 * Reads the agent's configuration file, strictly and with every default filled.
 * @throws ConfigError with all problems at once.
 */
export async function loadConfig(path: string): Promise<LoadedConfig> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) =>
    refuse(path, `cannot read the configuration (${error.code}); write it, or name another with --config`),
  );
  const { documents, problems } = readYaml(path, text);
  const [document, second] = documents;
  if (problems.length > 0) throw new ConfigError(problems);
  if (document === undefined) return refuse(path, 'is empty; write one document of kind AgentConfig');
  if (second !== undefined)
    return refuse(path, 'a second document begins here; only one is read', second.positions['']);
  const { value, problems: wrong } = validate(agentConfigSchema, document);
  if (value === null) throw new ConfigError(wrong);
  return { ...value, node: { ...value.node, name: value.node.name ?? hostname() } };
}

function refuse(file: string, message: string, place: Place = { line: 1, column: 1 }): never {
  throw new ConfigError([{ file, ...place, path: '', message }]);
}
