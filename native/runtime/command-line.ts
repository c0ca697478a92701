import { writeSync } from 'node:fs';
import { Command, CommanderError, Option } from 'commander';
import { createContainer } from './commands/create.ts';
import { deleteContainer } from './commands/delete.ts';
import { inspectContainer, listContainers, processesOf } from './commands/inspect.ts';
import { killContainer } from './commands/kill.ts';
import { pauseContainer, resumeContainer } from './commands/pause.ts';
import { startContainer } from './commands/start.ts';
import { describeFeatures } from './features.ts';
import { createRuntimeContext, type RuntimeContext } from './runtime-context.ts';
import { createRuntimeLog, type RuntimeLog } from './runtime-log.ts';

const STDOUT = 1;

/** Runs one command as the OCI runtime command lines have it. @returns the exit status. */
export async function runCommandLine(args: readonly string[]): Promise<number> {
  const program = declareOptions();
  declareLifecycle(program);
  declareViews(program);
  try {
    await program.parseAsync(args, { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode;
    logOf(program).error((error as Error).message);
    return 1;
  }
}

function declareOptions(): Command {
  return new Command('holdfast-runtime')
    .description('Runs containers from OCI bundles (runtime-spec 1.2).')
    .version('runtime-spec 1.2.0', '-v, --version')
    .option('--root <directory>', 'where the state of containers is kept', '/run/holdfast-runtime')
    .option('--log <file>', 'write the log there instead of to standard error')
    .addOption(new Option('--log-format <format>', 'form of the log').choices(['text', 'json']).default('text'))
    .option('--debug', 'accepted for engines that pass it; there is no more to tell')
    .option('--systemd-cgroup', 'refused: this runtime makes its cgroups itself')
    .exitOverride();
}

function declareLifecycle(program: Command): void {
  program
    .command('create <id>')
    .description('create a container whose program waits for its start')
    .option('-b, --bundle <directory>', 'the bundle', '.')
    .option('--pid-file <file>', "write the pid of the container's first process there")
    .option('--console-socket <socket>', 'send the terminal there')
    .option('--preserve-fds <count>', 'only 0 is supported', '0')
    .option('--no-pivot', 'refused: the root is always pivoted')
    .option('--no-new-keyring', 'refused: a container always gets a session keyring of its own')
    .action((id: string, options) => {
      if (options.preserveFds !== '0') throw new Error('--preserve-fds: no descriptor is passed on; use 0');
      if (!options.pivot || !options.newKeyring) throw new Error('--no-pivot and --no-new-keyring are not supported');
      return createContainer(contextOf(program), id, options);
    });
  program
    .command('start <id>')
    .description('execute the program of a created container')
    .action((id: string) => startContainer(contextOf(program), id));
  program
    .command('kill <id> [signal]')
    .description('send a signal, SIGTERM unless told otherwise')
    .option('-a, --all', 'to every process of the container')
    .action((id: string, signal: string | undefined, options) =>
      killContainer(contextOf(program), id, { signal: signal ?? 'SIGTERM', isForAll: options.all === true }),
    );
  program
    .command('delete <id>')
    .description('remove a stopped container')
    .option('-f, --force', 'kill it first')
    .action((id: string, options) => deleteContainer(contextOf(program), id, { isForced: options.force === true }));
  program
    .command('pause <id>')
    .description('stop all of a container where it is')
    .action((id: string) => pauseContainer(contextOf(program), id));
  program
    .command('resume <id>')
    .description('let a paused container run on')
    .action((id: string) => resumeContainer(contextOf(program), id));
}

function declareViews(program: Command): void {
  const format = (): Option => new Option('-f, --format <format>', 'form').choices(['table', 'json']).default('table');
  program
    .command('state <id>')
    .description('show the state of a container')
    .action(async (id: string) => printJson(await inspectContainer(contextOf(program), id)));
  program
    .command('list')
    .description('show all containers')
    .addOption(format())
    .option('-q, --quiet', 'their ids only')
    .action(async (options) => {
      const containers = await listContainers(contextOf(program));
      if (options.quiet === true) print(containers.map((each) => `${each.id}\n`).join(''));
      else if (options.format === 'json') printJson(containers);
      else print(['ID\tPID\tSTATUS\tBUNDLE', ...containers.map(rowOf)].map((row) => `${row}\n`).join(''));
    });
  program
    .command('ps <id>')
    .description("show the processes of a container by the node's pids")
    .addOption(format())
    .action(async (id: string, options) => {
      const pids = await processesOf(contextOf(program), id);
      if (options.format === 'json') printJson(pids);
      else print(['PID', ...pids].map((row) => `${row}\n`).join(''));
    });
  program
    .command('features')
    .description('show what this runtime can do')
    .action(() => printJson(describeFeatures()));
}

function rowOf({ id, pid, status, bundle }: Readonly<Record<string, unknown>>): string {
  return `${id}\t${pid}\t${status}\t${bundle}`;
}

function contextOf(program: Command): RuntimeContext {
  const { root, systemdCgroup } = program.opts();
  if (systemdCgroup === true) throw new Error('--systemd-cgroup is not supported: have the engine use cgroupfs');
  return createRuntimeContext(root, logOf(program));
}

function logOf(program: Command): RuntimeLog {
  const { log, logFormat } = program.opts();
  return createRuntimeLog({ path: log ?? null, format: logFormat === 'json' ? 'json' : 'text' });
}

function printJson(value: unknown): void {
  print(`${JSON.stringify(value, null, 2)}\n`);
}

function print(text: string): void {
  writeSync(STDOUT, text);
}
