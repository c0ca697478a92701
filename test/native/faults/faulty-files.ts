import type { FileHandle } from 'node:fs/promises';
import { constants } from 'node:os';

/** Makes one call of the file system's functions fail without being made. */
export interface FaultyFiles {
  /** @returns the module with its functions under watch. */
  wrap<T extends object>(module: T): T;
  /** From now on the nth call fails, counted from 0. */
  arm(fault: { readonly nth: number; readonly errnoName: string }): void;
  /** Ends the fault. @returns the call that failed, such as `mkdirSync /run/x`, or null when there were fewer calls. */
  disarm(): string | null;
}

/** What the backend changes and reads files with; a close frees its descriptor whatever it says. */
const FALLIBLE = new Set(
  `chown mkdir mkdirSync mkdtemp open openSync readFile readFileSync readdir readdirSync readlink readlinkSync realpath
  rename renameSync rm rmSync rmdirSync statSync writeFile writeFileSync writeSync`.split(/\s+/),
);
/** The same of an open file. */
const FALLIBLE_OF_FILE = ['readFile', 'stat', 'sync', 'writeFile'] as const;

/** @returns a file system without faults yet. @param more functions that can fail, besides those that the backend calls. */
export function createFaultyFiles(more: readonly string[] = []): FaultyFiles {
  const fallible = new Set([...FALLIBLE, ...more]);
  let armed: { readonly nth: number; readonly errnoName: string } | null = null;
  let calls = 0;
  let failed: string | null = null;
  const watched =
    (name: string, call: (...args: readonly unknown[]) => unknown) =>
    (...args: readonly unknown[]): unknown => {
      if (armed === null || calls++ !== armed.nth) return watchedFile(args[0], call(...args));
      failed = `${name} ${args[0]}`;
      const error = systemError(name.replace('Sync', ''), String(args[0]), armed.errnoName);
      if (name.endsWith('Sync')) throw error;
      return Promise.reject(error);
    };
  /** @returns the same, with the methods of a file that was opened under watch. */
  const watchedFile = (path: unknown, result: unknown): unknown =>
    result instanceof Promise ? result.then((value) => (isFile(value) ? watchMethods(path, value) : value)) : result;
  const watchMethods = (path: unknown, file: FileHandle): FileHandle => {
    for (const name of FALLIBLE_OF_FILE) {
      const call = (file[name] as (...args: readonly unknown[]) => unknown).bind(file);
      const method = watched(name, (_, ...args) => call(...args));
      Object.defineProperty(file, name, { value: (...args: readonly unknown[]) => method(path, ...args) });
    }
    return file;
  };
  return {
    wrap: (module) => {
      const entries = Object.entries(module).map(([name, value]) => [
        name,
        fallible.has(name) && typeof value === 'function' ? watched(name, value as never) : value,
      ]);
      return Object.fromEntries(entries);
    },
    arm: (fault) => {
      [armed, calls, failed] = [fault, 0, null];
    },
    disarm: () => {
      armed = null;
      return failed;
    },
  };
}

function isFile(value: unknown): value is FileHandle {
  return typeof value === 'object' && value !== null && 'fd' in value && 'sync' in value;
}

/** As Node's own errors of the file system are. */
function systemError(syscall: string, path: string, code: string): NodeJS.ErrnoException {
  const errno = -(constants.errno[code as keyof typeof constants.errno] ?? 0);
  return Object.assign(new Error(`${code}: injected, ${syscall} '${path}'`), { code, errno, syscall, path });
}
