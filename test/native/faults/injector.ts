import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { buildPath } from '../../../native/library.ts';
import { until } from '../../contract/contract-stage.ts';
import { makeTempDir } from '../../world/temp-dir.ts';

const run = promisify(execFile);
const PATH_MAX = 4096;

/** One system call of a shim. */
export interface ShimCall {
  /** Which of the shim's processes made it, in the order in which they first call: 0 is the shim as spawned. */
  readonly process: number;
  readonly name: string;
  /** How many calls of that name the process made before. */
  readonly nth: number;
}

/** Runs shims, and makes one of their system calls fail without being made. */
export interface Injector {
  /** The program to be used as the shim. */
  readonly shimPath: string;
  /** What befalls the shims started from now on: nothing, or one call that fails with an errno. */
  arm(fault: { readonly at: ShimCall; readonly errno: number } | null): Promise<void>;
  /** @returns every call of the shim armed last, once its last process is gone. */
  calls(): Promise<readonly ShimCall[]>;
  remove(): Promise<void>;
}

/** Compiles the injector with the machine's C compiler. @param program run instead of the shim, when given. */
export async function buildInjector(program = buildPath('holdfast-shim')): Promise<Injector> {
  const directory = await makeTempDir();
  const [shimPath, controlPath] = [join(directory.path, 'injector'), join(directory.path, 'control')];
  const source = fileURLToPath(new URL('./injector.c', import.meta.url));
  const flags = ['-std=gnu11', '-D_GNU_SOURCE', '-O1', '-Wall', '-Wextra', '-Werror'];
  await run('gcc', [...flags, '-o', shimPath, source, '-lseccomp']);
  const where = Buffer.alloc(PATH_MAX);
  where.write(controlPath);
  await writeFile(shimPath, Buffer.concat([await readFile(shimPath), where]));
  let armed = 0;
  const tracePath = (): string => join(directory.path, `trace-${armed}`);
  return {
    shimPath,
    arm: async (fault) => {
      armed += 1;
      const orders =
        fault === null ? '-1 none 0 0' : `${fault.at.process} ${fault.at.name} ${fault.at.nth} ${fault.errno}`;
      await writeFile(controlPath, `${program}\n${tracePath()}\n${orders}\n`);
    },
    calls: async () => {
      const read = (): Promise<string> => readFile(tracePath(), 'utf8').catch(() => '');
      await until(async () => (await read()).endsWith('end\n'));
      return parseTrace(await read());
    },
    remove: () => directory.remove(),
  };
}

function parseTrace(text: string): readonly ShimCall[] {
  const counts = new Map<string, number>();
  return text
    .split('\n')
    .slice(0, -2)
    .map((line) => {
      const [process = '', name = ''] = line.split(' ');
      const nth = counts.get(line) ?? 0;
      counts.set(line, nth + 1);
      return { process: Number(process), name, nth };
    });
}
