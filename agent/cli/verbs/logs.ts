import { type ExitCode, exitCode } from '../exit-code.ts';
import { type ContainerLog, findLogs } from '../log/find-logs.ts';
import { followLog } from '../log/follow-log.ts';
import type { LogLine } from '../log/log-line.ts';
import { type LogPosition, readTail } from '../log/read-tail.ts';
import type { VerbContext } from '../verb-context.ts';

export interface LogOptions {
  readonly follow: boolean;
  /** How many lines to begin with. */
  readonly tail: number;
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
  const ends = new Map<ContainerLog, LogPosition>();
  for (const log of found) {
    const { lines, end } = await readTail(log.path, options.tail);
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

function render({ format }: VerbContext, { timestamps }: LogOptions, log: ContainerLog | null, line: LogLine): string {
  if (format === 'json')
    return `${JSON.stringify({ ...line, ...(log && { pod: log.pod, container: log.container }) })}\n`;
  return `${log === null ? '' : `[${log.pod}/${log.container}] `}${timestamps ? `${line.time} ` : ''}${line.text}\n`;
}
