import { type ExitCode, exitCode } from '../exit-code.ts';
import { type ContainerLog, findLogs } from '../log/find-logs.ts';
import { followLog } from '../log/follow-log.ts';
import type { LogLine } from '../log/log-line.ts';
import { type LogPosition, readTail } from '../log/read-tail.ts';
import { ALWAYS, type TimeWindow } from '../log/time-window.ts';
import { openGuest } from '../open-guest.ts';
import type { VerbContext } from '../verb-context.ts';

export interface LogOptions {
  readonly follow: boolean;
  /** How many lines to begin with; unless given a hundred, or all of the part that is asked for. */
  readonly tail?: number;
  /** Milliseconds since the epoch. */
  readonly since?: number;
  readonly until?: number;
  /** Only what was written before the container's last start. */
  readonly previous: boolean;
  readonly timestamps: boolean;
}

/** Prints what containers wrote, straight from the node's files: works while the agent is down. */
export async function logs(
  context: VerbContext,
  target: string,
  container: string | null,
  options: LogOptions,
): Promise<ExitCode> {
  const { paths } = await context.config();
  const found = await findLogs(paths.logs, target, container);
  if (found.length === 0) {
    context.output.error(
      `holdfast: nothing is logged for ${container === null ? target : `${target}, container ${container}`}; see holdfast ps\n`,
    );
    return exitCode.failed;
  }
  const write = (log: ContainerLog, line: LogLine): void =>
    context.output.write(render(context, options, found.length > 1 ? log : null, line));
  if (options.follow && (options.until !== undefined || options.previous)) {
    context.output.error('holdfast: --follow goes on for ever: it cannot be had with --until or --previous\n');
    return exitCode.usage;
  }
  const isPart = options.since !== undefined || options.until !== undefined || options.previous;
  const count = options.tail ?? (isPart ? Number.POSITIVE_INFINITY : DEFAULT_LINES);
  const windowOf = await windows(context, options);
  const ends = new Map<ContainerLog, LogPosition>();
  for (const log of found) {
    const { lines, end } = await readTail(log.path, count, windowOf(log));
    for (const line of lines) write(log, line);
    ends.set(log, end);
  }
  if (options.follow) {
    const ended = new AbortController();
    process.once('SIGINT', () => ended.abort());
    process.once('SIGTERM', () => ended.abort());
    await Promise.all(
      [...ends].map(([log, end]) => followLog(log.path, end, (line) => write(log, line), ended.signal)),
    );
  }
  return exitCode.ok;
}

const DEFAULT_LINES = 100;

/** The part of each log that is asked for. For what earlier runs wrote, the backend's records are asked, past the agent. */
async function windows(
  context: VerbContext,
  { since, until, previous }: LogOptions,
): Promise<(log: ContainerLog) => TimeWindow> {
  const window = { sinceMs: since ?? ALWAYS.sinceMs, untilMs: until ?? ALWAYS.untilMs };
  if (!previous) return () => window;
  const { sandboxes } = await (await openGuest(context)).observe();
  const started = new Map(
    sandboxes.flatMap(({ id, containers }) => containers.map((each) => [`${id}/${each.name}`, each.startedAt])),
  );
  return ({ pod, container }) => {
    // A line bears the time at which the shim read it, which is never before it told of the start.
    const before = (started.get(`${pod}/${container}`) ?? Number.POSITIVE_INFINITY) - 1;
    return { ...window, untilMs: Math.min(window.untilMs, before) };
  };
}

function render({ format }: VerbContext, { timestamps }: LogOptions, log: ContainerLog | null, line: LogLine): string {
  if (format === 'json')
    return `${JSON.stringify({ ...line, ...(log && { pod: log.pod, container: log.container }) })}\n`;
  return `${log === null ? '' : `[${log.pod}/${log.container}] `}${timestamps ? `${line.time} ` : ''}${line.text}\n`;
}
