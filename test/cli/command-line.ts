import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type ApiServer, serveApi } from '../../agent/api/server.ts';
import { runCli } from '../../agent/cli/program.ts';
import type { Agent } from '../../agent/loop/agent.ts';
import { fakeAgent } from '../fakes/fake-agent.ts';
import { makeTempDir } from '../world/temp-dir.ts';

/** What a command line did. */
export interface Result {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** A node with a configuration, whose agent runs when it is served. */
export interface CommandLine {
  readonly directory: string;
  /** Lets an agent answer like this; nobody listens before. */
  serve(answers?: Partial<Agent>): Promise<ApiServer>;
  /** Adds to the node's configuration. */
  configure(more: object): Promise<void>;
  /** Runs a command line with the node's configuration. */
  holdfast(...args: readonly string[]): Promise<Result>;
  /** Writes a file below the directory. @returns its path. */
  write(name: string, content: string | Uint8Array): Promise<string>;
  remove(): Promise<void>;
}

/** Makes a node on which nobody listens. */
export async function makeCommandLine(): Promise<CommandLine> {
  const temp = await makeTempDir();
  const at = (name: string): string => join(temp.path, name);
  let api: ApiServer | undefined;
  const configure = (more: object): Promise<void> =>
    writeFile(
      at('agent.yaml'),
      JSON.stringify({
        apiVersion: 'holdfast.dev/v1alpha1',
        kind: 'AgentConfig',
        source: { url: 'file:///nowhere', signers: { ssh: '/nowhere' } },
        paths: { state: at('state'), run: at('run'), logs: at('logs') },
        ...more,
      }),
    );
  await configure({});
  return {
    directory: temp.path,
    serve: async (answers = {}) => {
      api ??= await serveApi(at('run/agent.sock'));
      api.serve(fakeAgent(answers));
      return api;
    },
    configure,
    holdfast: (...args) => runBare('--config', at('agent.yaml'), ...args),
    write: async (name, content) => {
      await mkdir(dirname(at(name)), { recursive: true });
      await writeFile(at(name), content);
      return at(name);
    },
    remove: async () => {
      await api?.close();
      await temp.remove();
    },
  };
}

/** Runs a command line with nothing added. */
export async function runBare(...args: readonly string[]): Promise<Result> {
  const result = { out: '', err: '' };
  const code = await runCli(args, {
    write: (text) => {
      result.out += text;
    },
    error: (text) => {
      result.err += text;
    },
  });
  return { code, ...result };
}
