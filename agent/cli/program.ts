import { Command, CommanderError, Option } from 'commander';
import { loadConfig } from '../config/load-config.ts';
import { version } from '../version.ts';
import { type ExitCode, exitCode } from './exit-code.ts';
import type { Output, OutputFormat } from './print.ts';
import type { VerbContext } from './verb-context.ts';
import { type LogOptions, logs } from './verbs/logs.ts';
import { plan } from './verbs/plan.ts';
import { status, statusOfContainers, sync } from './verbs/status.ts';
import { validate } from './verbs/validate.ts';

const DEFAULT_CONFIG = '/etc/holdfast/agent.yaml';

/** Runs one command line. @returns the exit status; errors are told on the error output, never thrown. */
export async function runCli(args: readonly string[], output: Output): Promise<ExitCode> {
  let result: ExitCode = exitCode.ok;
  const program = buildProgram(output, (code) => {
    result = code;
  });
  try {
    await program.parseAsync(args, { from: 'user' });
    return result;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCode.ok : exitCode.usage;
    const { code, message } = error as { code?: string; message?: string };
    output.error(`holdfast: ${message ?? String(error)}\n`);
    return code === 'not-running' ? exitCode.unavailable : exitCode.failed;
  }
}

function buildProgram(output: Output, done: (code: ExitCode) => void): Command {
  const program = new Command('holdfast')
    .description('Keeps the containers of this node as a signed Git repository says.')
    .exitOverride()
    .configureOutput({ writeOut: output.write, writeErr: output.error })
    .option('-c, --config <file>', 'configuration of the agent', DEFAULT_CONFIG)
    .addOption(new Option('-o, --output <format>', 'how to print answers').choices(['text', 'json']).default('text'))
    .showHelpAfterError('(holdfast --help lists the verbs)')
    .addHelpText('after', EXIT_CODES);
  const run =
    <Args extends readonly unknown[]>(verb: (context: VerbContext, ...args: Args) => Promise<ExitCode>) =>
    async (...args: Args): Promise<void> => {
      const { config, output: format } = program.opts<{ config: string; output: OutputFormat }>();
      done(await verb({ output, format, config: () => loadConfig(config) }, ...args));
    };

  program.command('agent').description('run the agent of this node').action(run(agent));
  program
    .command('status')
    .description('how this node stands; the last known when the agent is down')
    .action(run(status));
  program
    .command('plan')
    .description('what the agent will do next, or what the manifests in PATH would do; changes nothing')
    .argument('[path...]', 'manifest files or folders, as if they were committed')
    .action((paths: string[]) => run(plan)(paths));
  program.command('ps').description('the containers of this node').action(run(statusOfContainers));
  program
    .command('logs')
    .description('what containers wrote')
    .argument('<target>', 'workload (name or namespace/name) or pod')
    .argument('[container]', 'only this container')
    .option('-f, --follow', 'go on as more is written', false)
    .option('-n, --tail <lines>', 'begin with this many last lines', parseCount, 100)
    .option('--timestamps', 'print the time of each line', false)
    .action((target: string, container: string | undefined, options: LogOptions) =>
      run(logs)(target, container ?? null, options),
    );
  program.command('sync').description('poll the source now').action(run(sync));
  program
    .command('validate')
    .description('check manifests without a node')
    .argument('<path...>', 'manifest files or folders')
    .action((paths: string[]) => run(validate)(paths));
  program.command('version').description('print the version').action(run(showVersion));
  return program;
}

/** Loaded only when it runs: the other verbs need neither the backend nor the policy engine. */
async function agent({ config, output }: VerbContext): Promise<ExitCode> {
  const { runAgent } = await import('../run-agent.ts');
  await runAgent(await config(), (line) => output.error(`${line}\n`));
  return exitCode.ok;
}

async function showVersion({ output, format }: VerbContext): Promise<ExitCode> {
  output.write(format === 'json' ? `${JSON.stringify({ version })}\n` : `holdfast ${version}\n`);
  return exitCode.ok;
}

function parseCount(text: string): number {
  if (!/^\d+$/.test(text))
    throw new CommanderError(exitCode.usage, 'holdfast.count', `--tail takes a whole number, not ${text}`);
  return Number(text);
}

const EXIT_CODES = `
Exit status: 0 done, nothing to do; 1 failed or invalid; 2 wrong command line; 3 done, but steps are pending or something
is denied; 4 the agent is not running.`;
