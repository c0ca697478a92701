import { closeSync, constants, openSync } from 'node:fs';
import koffi, { type LibraryHandle } from 'koffi';
import { checkLayout, type NativeError, nativeErrorType, nativeLibrary, toBackendError } from '../library.ts';

/**
 * How a file system treats projects. `counted`: it knows what each takes, and does not hold them to limits; `none`: it
 * knows nothing of projects, or the kernel does not.
 */
export type ProjectSupport = 'enforced' | 'counted' | 'none';

/** What the files of one project take together. */
export interface ProjectUsage {
  readonly usedBytes: number;
  readonly usedInodes: number;
  /** 0 is none. */
  readonly limitBytes: number;
}

/**
 * Project quotas of the file system that a directory is on: all that belongs to one project is counted together and can be
 * bounded, and what is made in a directory of a project belongs to it. Calls are short and synchronous. Failures are a
 * `BackendError` whose `errno` says why.
 */
export interface ProjectQuotas {
  readonly support: () => ProjectSupport;
  /** @returns the project of an open file or directory; 0 is none. */
  projectOf(fd: number): number;
  /** Gives an open file or directory to a project; what is in a directory already stays where it is. */
  setProject(fd: number, project: number): void;
  usage(project: number): ProjectUsage;
  /** @param bytes rounded up to whole KiB; 0 lifts the limit. */
  limit(project: number, bytes: number): void;
}

/**
 * @param directory any one of the file system, which is there; opened anew for each call.
 * @throws the file system's error when it is not there.
 */
export function openProjectQuotas(directory: string): ProjectQuotas {
  const calls = nativeCalls();
  const onDirectory = <Result>(work: (fd: number) => Result): Result => {
    const fd = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      return work(fd);
    } finally {
      closeSync(fd);
    }
  };
  return {
    support: () => SUPPORT[onDirectory((fd) => run(calls.support, fd))] ?? 'none',
    projectOf: (fd) => run(calls.get, fd),
    setProject: (fd, project) => void run(calls.set, fd, project),
    usage: (project) =>
      onDirectory((fd) => {
        const usage: Partial<NativeUsage> = {};
        run(calls.usage, fd, project, usage);
        const { used_bytes, used_inodes, limit_bytes } = usage as NativeUsage;
        return {
          usedBytes: Number(used_bytes),
          usedInodes: Number(used_inodes),
          limitBytes: Number(limit_bytes),
        };
      }),
    limit: (project, bytes) => onDirectory((fd) => void run(calls.limit, fd, project, bytes)),
  };
}

/** By the number of the library's answer. */
const SUPPORT: readonly ProjectSupport[] = ['none', 'counted', 'enforced'];

/** Numbers above what is exact arrive as bigint. */
interface NativeUsage {
  readonly used_bytes: number | bigint;
  readonly used_inodes: number | bigint;
  readonly limit_bytes: number | bigint;
}

type NativeCall = ReturnType<LibraryHandle['func']>;

type KoffiType = Parameters<typeof koffi.sizeof>[0];

function run(call: NativeCall, ...args: readonly unknown[]): number {
  const error: Partial<NativeError> = {};
  const result = Number(call(...args, error));
  if (result < 0) throw toBackendError(error as NativeError);
  return result;
}

type Calls = Readonly<Record<'support' | 'get' | 'set' | 'usage' | 'limit', NativeCall>>;

let loaded: Calls | undefined;

function nativeCalls(): Calls {
  loaded ??= bindCalls();
  return loaded;
}

function bindCalls(): Calls {
  const library = nativeLibrary();
  const usageType = koffi.struct({ used_bytes: 'uint64_t', used_inodes: 'uint64_t', limit_bytes: 'uint64_t' });
  checkLayout('hf_project_usage', koffi.sizeof(usageType));
  const failure = koffi.out(koffi.pointer(nativeErrorType));
  const bind = (name: string, result: string, ...args: readonly KoffiType[]): NativeCall =>
    library.func(`hf_project_${name}`, result, ['int32_t', ...args, failure]);
  return {
    support: bind('support', 'int32_t'),
    get: bind('get', 'int64_t'),
    set: bind('set', 'int32_t', 'uint32_t'),
    usage: bind('usage', 'int32_t', 'uint32_t', koffi.out(koffi.pointer(usageType))),
    limit: bind('limit', 'int32_t', 'uint32_t', 'uint64_t'),
  };
}
