import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { makeTempDir, type TempDir } from '../world/temp-dir.ts';

const run = promisify(execFile);

/** A program that installs a filter on itself and tells what it may still do. */
export interface SeccompProbe {
  /**
   * Makes the calls (`name,argument,...`, `i386:` before it for the 32-bit entry) under the filter, in turn.
   * @returns the errno of each, 0 for success. Rejects with the signal when the filter kills the program.
   */
  errnosUnder(filter: Buffer, calls: readonly string[]): Promise<readonly number[]>;
  remove(): Promise<void>;
}

/** Compiles the probe with the machine's C compiler. */
export async function buildSeccompProbe(): Promise<SeccompProbe> {
  const directory: TempDir = await makeTempDir();
  const binary = join(directory.path, 'probe');
  const source = fileURLToPath(new URL('./fixtures/seccomp-probe.c', import.meta.url));
  await run('gcc', ['-std=gnu11', '-Wall', '-Wextra', '-Werror', '-o', binary, source, '-lseccomp']);
  return {
    errnosUnder: async (filter, calls) => {
      const file = join(directory.path, 'filter.bpf');
      await writeFile(file, filter);
      const { stdout } = await run(binary, [file, ...calls]);
      return stdout
        .trimEnd()
        .split('\n')
        .map((line) => Number(line.split(' ')[1]));
    },
    remove: () => directory.remove(),
  };
}
