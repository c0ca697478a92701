import { appendFileSync, writeSync } from 'node:fs';

const STDERR = 2;

/** Where the runtime tells its caller what went wrong. */
export interface RuntimeLog {
  /** What no caller has to act on: standard error, where a container's output may go, stays free of it. */
  note(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

export interface LogOptions {
  /** Null writes to standard error. */
  readonly path: string | null;
  readonly format: 'text' | 'json';
}

/** @returns a log in the form of other OCI runtimes. Errors go to standard error too: an engine shows one or the other. */
export function createRuntimeLog({ path, format }: LogOptions): RuntimeLog {
  const write = (level: string, msg: string): void => {
    const time = new Date().toISOString();
    const line =
      format === 'json'
        ? JSON.stringify({ level, msg, time })
        : `time="${time}" level=${level} msg=${JSON.stringify(msg)}`;
    if (path !== null) appendFileSync(path, `${line}\n`, { mode: 0o600 });
    if (path === null || level === 'error') writeSync(STDERR, `holdfast-runtime: ${msg}\n`);
  };
  return {
    note: (message) => {
      if (path !== null) write('info', message);
    },
    warn: (message) => write('warning', message),
    error: (message) => write('error', message),
  };
}
