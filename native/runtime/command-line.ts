import { writeSync } from 'node:fs';
import { constants } from 'node:os';
import { getSystemErrorMessage } from 'node:util';
import { Command, CommanderError, Option } from 'commander';
import { BackendError } from '../errors.ts';
import type { CreateOptions } from './commands/create.ts';
import type { ExecOptions } from './commands/exec.ts';
import { commands } from './commands.ts';
import { describeFeatures } from './features.ts';
import { createRuntimeContext, type RuntimeContext } from './runtime-context.ts';
import { createRuntimeLog, type RuntimeLog } from './runtime-log.ts';
import { declareUpdate } from './update-options.ts';

const STDOUT = 1;
/** As many as the shim takes (native/src/shim/bundle/bundle.h). */
const MOST_PRESERVED = 100;

/** Runs one command as the OCI runtime command lines have it. @returns the exit status. */
export async function runCommandLine(args: readonly string[]): Promise<number> {
  const program = declareOptions();
  let status = 0;
  declareLifecycle(program);
  declarePrograms(program, (told) => {
    status = told;
  });
  declareViews(program);
  try {
    await program.parseAsync(args, { from: 'user' });
    return status;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode;
    logOf(program).error(describe(error as Error));
    return 1;
  }
}

/** With the kernel's own words, by which engines tell a missing program from one that may not be run. */
function describe(error: Error): string {
  const number =
    error instanceof BackendError && error.errno !== null ? constants.errno[error.errno as 'ENOENT'] : null;
  return number == null ? error.message : `${error.message}: ${getSystemErrorMessage(-number)}`;
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
    .enablePositionalOptions()
    .exitOverride();
}

function declareLifecycle(program: Command): void {
  creating(program, 'create <id>', 'create a container whose program waits for its start').action(
    async (id: string, options) => {
      await commands.create(contextOf(program), id, createOptionsOf(options));
    },
  );
  program
    .command('start <id>')
    .description('execute the program of a created container')
    .action((id: string) => commands.start(contextOf(program), id));
  program
    .command('kill <id> [signal]')
    .description('send a signal, SIGTERM unless told otherwise')
    .option('-a, --all', 'to every process of the container')
    .action((id: string, signal: string | undefined, options) =>
      commands.kill(contextOf(program), id, { signal: signal ?? 'SIGTERM', isForAll: options.all === true }),
    );
  program
    .command('delete <id>')
    .description('remove a stopped container')
    .option('-f, --force', 'kill it first')
    .action((id: string, options) => commands.delete(contextOf(program), id, { isForced: options.force === true }));
  program
    .command('pause <id>')
    .description('stop all of a container where it is')
    .action((id: string) => commands.pause(contextOf(program), id));
  program
    .command('resume <id>')
    .description('let a paused container run on')
    .action((id: string) => commands.resume(contextOf(program), id));
  declareUpdate(program, () => contextOf(program));
}

function declarePrograms(program: Command, tell: (status: number) => void): void {
  creating(program, 'run <id>', 'create and start a container, wait for its end and remove it; ends as it did')
    .option('-d, --detach', 'leave it once it is started')
    .option('--keep', 'do not remove it')
    .action(async (id: string, options) => {
      const { detach = false, keep = false } = options;
      tell(await commands.run(contextOf(program), id, { ...createOptionsOf(options), isLeft: detach, isKept: keep }));
    });
  program
    .command('exec <id> [command...]')
    .description('run one more program in a container; ends as it did')
    .option('-p, --process <file>', 'a process as config.json has it, in place of a command')
    .option('-d, --detach', 'leave it once it runs')
    .option('--pid-file <file>', 'write its pid there')
    .option('--console-socket <socket>', 'send the terminal there')
    .option('-t, --tty', 'give it a terminal')
    .option('--cwd <directory>', 'its working directory')
    .option('-e, --env <KEY=value>', 'a variable more', gather, [])
    .option('-u, --user <uid[:gid]>', 'its user and group, as numbers')
    .option('-g, --additional-gids <gid>', 'a group more', gather, [])
    .option('-c, --cap <CAP_NAME>', 'a capability more', gather, [])
    .option('--apparmor <profile>', 'its AppArmor profile')
    .option('--process-label <label>', 'its SELinux label')
    .option('--no-new-privs', 'it cannot gain privileges')
    .option('--preserve-fds <count>', 'pass on so many descriptors from 3 on', '0')
    .option('--ignore-paused', 'also in a paused container, where it waits for the resume')
    .passThroughOptions()
    .action(async (id: string, command: string[], options) => {
      tell(await commands.exec(contextOf(program), id, execOptionsOf(command, options)));
    });
}

function creating(program: Command, name: string, description: string): Command {
  return program
    .command(name)
    .description(description)
    .option('-b, --bundle <directory>', 'the bundle', '.')
    .option('--pid-file <file>', "write the pid of the container's first process there")
    .option('--console-socket <socket>', 'send the terminal there')
    .option('--preserve-fds <count>', 'pass on so many descriptors from 3 on', '0')
    .option('--no-pivot', 'refused: the root is always pivoted')
    .option('--no-new-keyring', 'refused: a container always gets a session keyring of its own');
}

function declareViews(program: Command): void {
  const format = (): Option => new Option('-f, --format <format>', 'form').choices(['table', 'json']).default('table');
  program
    .command('state <id>')
    .description('show the state of a container')
    .action(async (id: string) => printJson(await commands.inspect(contextOf(program), id)));
  program
    .command('list')
    .description('show all containers')
    .addOption(format())
    .option('-q, --quiet', 'their ids only')
    .action(async (options) => {
      const containers = await commands.list(contextOf(program));
      if (options.quiet === true) print(containers.map((each) => `${each.id}\n`).join(''));
      else if (options.format === 'json') printJson(containers);
      else print(['ID\tPID\tSTATUS\tBUNDLE', ...containers.map(rowOf)].map((row) => `${row}\n`).join(''));
    });
  program
    .command('ps <id>')
    .description("show the processes of a container by the node's pids")
    .addOption(format())
    .action(async (id: string, options) => {
      const pids = await commands.processesOf(contextOf(program), id);
      if (options.format === 'json') printJson(pids);
      else print(['PID', ...pids].map((row) => `${row}\n`).join(''));
    });
  program
    .command('events <id>')
    .description('tell what a container uses, and each time it ran out of memory, a line each, until it stops')
    .option('--stats', 'tell what it uses now, and end')
    .option('--interval <time>', 'between two tellings, as 500ms, 5s or 2m', '5s')
    .action((id: string, options) => {
      const tell = (event: unknown): void => print(`${JSON.stringify(event)}\n`);
      const intervalMs = durationOf(options.interval);
      return commands.events(contextOf(program), id, { intervalMs, isOnce: options.stats === true, tell });
    });
  program
    .command('spec')
    .description('write a config.json to begin with')
    .option('-b, --bundle <directory>', 'the bundle', '.')
    .action((options) => commands.spec(options.bundle));
  program
    .command('features')
    .description('show what this runtime can do')
    .action(() => printJson(describeFeatures()));
}

// biome-ignore lint/suspicious/noExplicitAny: commander's own type
type Given = Readonly<Record<string, any>>;

function createOptionsOf({ bundle, pidFile, consoleSocket, preserveFds, pivot, newKeyring }: Given): CreateOptions {
  if (!pivot || !newKeyring) throw new Error('--no-pivot and --no-new-keyring are not supported');
  return { bundle, pidFile, consoleSocket, preservedCount: countOf(preserveFds) };
}

function execOptionsOf(command: readonly string[], given: Given): ExecOptions {
  return {
    ...{ command, processFile: given.process, pidFile: given.pidFile, consoleSocket: given.consoleSocket },
    ...{ cwd: given.cwd, env: given.env, user: given.user, additionalGids: given.additionalGids.map(Number) },
    ...{ capabilities: given.cap, apparmorProfile: given.apparmor, selinuxLabel: given.processLabel },
    isLeft: given.detach === true,
    hasTerminal: given.tty === true,
    hasNoNewPrivileges: given.newPrivs === false,
    isPausedIgnored: given.ignorePaused === true,
    preservedCount: countOf(given.preserveFds),
  };
}

function countOf(text: string): number {
  if (/^\d{1,3}$/.test(text) && Number(text) <= MOST_PRESERVED) return Number(text);
  throw new Error(`--preserve-fds: ${JSON.stringify(text)}: expected a number from 0 to ${MOST_PRESERVED}`);
}

const UNITS_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;

function durationOf(text: string): number {
  const [, digits, unit] = /^(\d{1,9})(ms|s|m|h)$/.exec(text) ?? [];
  const ms = Number(digits) * UNITS_MS[unit as keyof typeof UNITS_MS];
  if (ms > 0) return ms;
  throw new Error(`--interval ${JSON.stringify(text)}: expected a time such as 500ms, 5s or 2m`);
}

function gather(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
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
