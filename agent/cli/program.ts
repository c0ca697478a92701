import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { loadConfig } from '../config/load-config.ts';
import { version } from '../version.ts';
import { addDebugCommand } from './debug-command.ts';
import { type ExitCode, exitCode } from './exit-code.ts';
import { addImageCommands, type RunVerb } from './image-commands.ts';
import { parseMoment } from './log/time-window.ts';
import { parseUser } from './parse-user.ts';
import type { Output, OutputFormat } from './print.ts';
import type { VerbContext } from './verb-context.ts';
import { type ExecOptions, exec } from './verbs/exec.ts';
import { type LogOptions, logs } from './verbs/logs.ts';
import { plan } from './verbs/plan.ts';
import { status, statusOfContainers, sync } from './verbs/status.ts';
import { top } from './verbs/top.ts';
import { validate } from './verbs/validate.ts';
import { addVolumeCommand } from './volume-command.ts';

const DEFAULT_CONFIG = '/etc/holdfast/agent.yaml';

/** Runs one command line. @returns the exit status; errors are told on the error output, never thrown. */
export async function runCli(args: readonly string[], output: Output): Promise<number> {
  let result: number = exitCode.ok;
  const program = buildProgram(output, (code) => {
    result = code;
  });
  try {
    await program.parseAsync(args, { from: 'user' });
    return result;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCode.ok : exitCode.usage;
    const { code, message } = Object(error) as { code?: string; message?: string };
    output.error(`holdfast: ${message ?? String(error)}\n`);
    return code === 'not-running' ? exitCode.unavailable : exitCode.failed;
  }
}

function buildProgram(output: Output, done: (code: number) => void): Command {
  const program = new Command('holdfast')
    .description('Keeps the containers of this node as a signed Git repository says.')
    .exitOverride()
    .configureOutput({ writeOut: output.write, writeErr: output.error })
    .option('-c, --config <file>', 'configuration of the agent', DEFAULT_CONFIG)
    .addOption(new Option('-o, --output <format>', 'how to print answers').choices(['text', 'json']).default('text'))
    .showHelpAfterError('(holdfast --help lists the verbs)')
    .addHelpText('after', EXIT_CODES);
  const run: RunVerb =
    <Args extends readonly unknown[]>(verb: (context: VerbContext, ...args: Args) => Promise<number>) =>
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
    .option('-n, --tail <lines>', 'begin with this many last lines: 100, or all of the part asked for', parseCount)
    .option(
      '--since <time>',
      'only from then on: 10m (ago), 1h30m, or a moment such as 2026-01-02T03:04:05Z',
      parseTime,
    )
    .option('--until <time>', 'only until then', parseTime)
    .option('-p, --previous', 'only what was written before the last start; asks the node, as root', false)
    .option('--timestamps', 'print the time of each line', false)
    .action((target: string, container: string | undefined, options: LogOptions) =>
      run(logs)(target, container ?? null, options),
    );
  program
    .command('exec')
    .description('run a command in a running container, as root of the node')
    .argument('<target>', 'workload (name or namespace/name) or pod')
    .argument('<command...>', 'the command, after --')
    .option('--container <name>', 'the container, when the pod has several')
    .option('-i, --stdin', 'pass standard input on', false)
    .option('-t, --tty', 'give it this terminal', false)
    .option('--user <uid[:gid]>', 'another user than the container’s', parseUser)
    .option('--workdir <path>', 'another directory than the container’s')
    .action((target: string, command: string[], options: ExecOptions) => run(exec)(target, command, options))
    .addHelpText('after', EXEC_EXIT_CODES);
  program
    .command('top')
    .description('what the containers of this node use, as root of the node')
    .option('--interval <ms>', 'measure CPU over this long', parseInterval, 500)
    .action(({ interval }: { interval: number }) => run(top)(interval));
  for (const add of [addDebugCommand, addImageCommands, addVolumeCommand]) add(program, run);
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
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('Give a whole number.');
  return Number(text);
}

function parseTime(text: string): number {
  const moment = parseMoment(text, Date.now());
  if (moment === null) throw new InvalidArgumentError('Give a time ago, such as 10m, or one as RFC 3339 has it.');
  return moment;
}

function parseInterval(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text))
    throw new CommanderError(exitCode.usage, 'holdfast.interval', `--interval takes milliseconds above 0, not ${text}`);
  return Number(text);
}

const EXEC_EXIT_CODES = `
Exit status: the command's own, or 128 and the signal's number when a signal ended it; 125 when it could not be run, 126 when
it is there and cannot be executed, 127 when it is not there.`;

const EXIT_CODES = `
Exit status: 0 done, nothing to do; 1 failed or invalid; 2 wrong command line; 3 done, but steps are pending or something
is denied; 4 the agent is not running.`;
