import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { PolicyError } from '../errors.ts';

const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;

/** The `opa` program, run in one directory, so that the paths it prints and compiles in are relative to that. */
export interface Opa {
  /** Version of the program, such as `1.4.2`. */
  version(): Promise<string>;
  /** @returns its stdout. @throws PolicyError `compile-failed` with what it said, file and line included. */
  run(...args: readonly string[]): Promise<string>;
}

/** @param options.opaPath the program; `dir` the directory it runs in. */
export function createOpa({ opaPath, dir }: { readonly opaPath: string; readonly dir: string }): Opa {
  const run = async (...args: readonly string[]): Promise<string> => {
    try {
      const { stdout } = await promisify(execFile)(opaPath, args, { cwd: dir, maxBuffer: MAX_OUTPUT_BYTES });
      return stdout;
    } catch (cause) {
      const { stdout = '', stderr = '', message } = cause as { stdout?: string; stderr?: string; message: string };
      const said = `${stderr}${stdout}`.trim();
      throw new PolicyError('compile-failed', `opa ${args[0]} failed in ${dir}:\n${said === '' ? message : said}`, {
        cause,
      });
    }
  };
  return {
    run,
    version: async () => {
      const version = /^Version: (\S+)$/m.exec(await run('version'))?.[1];
      if (!version) throw new PolicyError('compile-failed', `${opaPath}: does not tell its version`);
      return version;
    },
  };
}
