import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import koffi, { type LibraryHandle } from 'koffi';
import { BackendError, type BackendErrorCode } from './errors.ts';

/** `struct hf_error` of native/include/holdfast.h, as koffi gives it. */
export interface NativeError {
  readonly errnum: number;
  readonly stage: string;
  readonly path: string;
}

/** koffi type of `struct hf_error`; anonymous, because a process may load this file more than once. */
export const nativeErrorType = koffi.struct({
  errnum: 'int32_t',
  stage: koffi.array('char', 64, 'String'),
  path: koffi.array('char', 256, 'String'),
});

let loaded: LibraryHandle | undefined;

/**
 * Opens the C library once and checks that both sides agree on the layout of its structs.
 * @throws BackendError `internal` when it is not built or is of another version.
 */
export function nativeLibrary(): LibraryHandle {
  if (loaded === undefined) {
    loaded = open(buildPath('libholdfast.so'));
    checkLayout('hf_error', koffi.sizeof(nativeErrorType));
  }
  return loaded;
}

/** @returns the path of a file that `npm run build` makes. */
export function buildPath(name: string): string {
  return fileURLToPath(new URL(`./build/${name}`, import.meta.url));
}

/** @throws BackendError `internal` when a struct of the library has not the size it has here. */
export function checkLayout(struct: string, expectedBytes: number): void {
  const actualBytes = Number(nativeLibrary().func('hf_abi_size', 'int64_t', ['str'])(struct));
  if (actualBytes === expectedBytes) return;
  const message = `struct ${struct} has ${actualBytes} bytes in the library, ${expectedBytes} here: build it again with "npm run build"`;
  throw new BackendError('internal', 'check library', message);
}

function open(path: string): LibraryHandle {
  if (existsSync(path)) return koffi.load(path);
  throw new BackendError('internal', 'load library', `${path} is missing: build it with "npm run build"`);
}

/** Turns a filled `struct hf_error` into the error this room throws. The code follows from the errno unless given. */
export function toBackendError(error: NativeError, code: BackendErrorCode = codeOf(error.errnum)): BackendError {
  const errno = errnoName(error.errnum);
  const about = error.path === '' ? '' : ` (${error.path})`;
  return new BackendError(code, error.stage, `${error.stage} failed with ${errno}${about}`, { errno });
}

function codeOf(errnum: number): BackendErrorCode {
  const { ENOSPC, ENOMEM, EAGAIN, EMFILE, ENFILE } = koffi.os.errno;
  return [ENOSPC, ENOMEM, EAGAIN, EMFILE, ENFILE].includes(errnum) ? 'no-resources' : 'kernel';
}

function errnoName(errnum: number): string {
  const found = Object.entries(koffi.os.errno).find(([, value]) => value === errnum);
  return found?.[0] ?? `errno ${errnum}`;
}
