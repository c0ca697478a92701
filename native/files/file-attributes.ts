import { promisify } from 'node:util';
import koffi, { type LibraryHandle } from 'koffi';
import { type NativeError, nativeErrorType, nativeLibrary, toBackendError } from '../library.ts';

/** The kernel's bounds of all names of one file, and of one value (xattr(7)). */
const BUFFER_BYTES = 64 * 1024;

/**
 * Reads every extended attribute of an open file or directory that the caller may see.
 * @throws BackendError whose `errno` says why
 */
export function readXattrs(fd: number): ReadonlyMap<string, Buffer> {
  const { names, value } = nativeCalls();
  const buffer = Buffer.allocUnsafe(BUFFER_BYTES);
  const listed = buffer.toString('utf8', 0, run(names, fd, buffer, BUFFER_BYTES));
  const found = new Map<string, Buffer>();
  for (const name of listed.split('\0').slice(0, -1)) {
    found.set(name, Buffer.from(buffer.subarray(0, run(value, fd, name, buffer, BUFFER_BYTES))));
  }
  return found;
}

/**
 * Has the kernel hold a file to its content from now on (fs-verity): nobody can write to it any more, and what the disk
 * changes is an error to read. On a worker thread, for it reads the whole file.
 * @param fd open for reading, of a file that nobody has open for writing.
 * @returns false where the file system or the kernel has no such thing. @throws BackendError
 */
export async function enableVerity(fd: number): Promise<boolean> {
  const error: Partial<NativeError> = {};
  const result: number = await promisify(nativeCalls().enable.async)(fd, error);
  if (result < 0) throw toBackendError(error as NativeError);
  return result === 1;
}

/** @returns the fs-verity digest that stands for a file's content; null for a file that is not held to it. */
export function measureVerity(fd: number): Buffer | null {
  const digest = Buffer.alloc(DIGEST_BYTES);
  const length = run(nativeCalls().measure, fd, digest, DIGEST_BYTES);
  return length === 0 ? null : digest.subarray(0, length);
}

const DIGEST_BYTES = 64;

type NativeCall = ReturnType<LibraryHandle['func']>;

type Calls = Readonly<Record<'names' | 'value' | 'enable' | 'measure', NativeCall>>;

let loaded: Calls | undefined;

function nativeCalls(): Calls {
  loaded ??= bindCalls();
  return loaded;
}

function bindCalls(): Calls {
  const failure = koffi.out(koffi.pointer(nativeErrorType));
  const bind = (name: string, ...args: readonly string[]): NativeCall =>
    nativeLibrary().func(name, 'int32_t', ['int32_t', ...args, failure]);
  return {
    names: bind('hf_file_xattr_names', 'void *', 'uint32_t'),
    value: bind('hf_file_xattr', 'str', 'void *', 'uint32_t'),
    enable: bind('hf_verity_enable'),
    measure: bind('hf_verity_measure', 'void *', 'uint32_t'),
  };
}

function run(call: NativeCall, ...args: readonly unknown[]): number {
  const error: Partial<NativeError> = {};
  const result: number = call(...args, error);
  if (result < 0) throw toBackendError(error as NativeError);
  return result;
}
