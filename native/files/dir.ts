import { closeSync, constants, openSync } from 'node:fs';
import { constants as os } from 'node:os';
import { promisify } from 'node:util';
import koffi, { type LibraryHandle } from 'koffi';
import { type NativeError, nativeErrorType, nativeLibrary, toBackendError } from '../library.ts';

/** What is at a path; `whiteout` stands for every character device, since no other kind is ever made. */
export type FileKind = 'directory' | 'file' | 'symlink' | 'fifo' | 'whiteout' | 'other';

/** Owner, permission bits with set-id and sticky, and modification time in whole seconds since the epoch. */
export interface FileAttributes {
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
  readonly mtimeSeconds: number;
}

/**
 * A directory that can be written below, but never out of: every path is relative and resolved by openat2(2) with
 * RESOLVE_BENEATH, NO_SYMLINKS, NO_MAGICLINKS and NO_XDEV. All but `sync` and
 * `startWriteback` are short and synchronous.
 * Failures are a `BackendError` whose `errno` says why: EXDEV and ELOOP for a path that leads out, EEXIST for a name
 * that is taken, ENOTDIR, ENOENT, ENOSPC.
 */
export interface Directory {
  makeDirectory(path: string): void;
  /** @returns an open fd of a new, empty file; the caller closes it. */
  createFile(path: string): number;
  /** Sets what a file has besides its content, by the fd it was made with. */
  setFileAttributes(file: number, attributes: FileAttributes): void;
  /** Has the disk begin with a part of a file, so that `sync` has less to wait for; resolves when it has begun. */
  startWriteback(file: number, offset: number, bytes: number): Promise<void>;
  /** Makes a symlink. The target is stored as it is. */
  symlink(path: string, target: string): void;
  /** Makes `path` another name of the file `existing` below the same directory. */
  link(path: string, existing: string): void;
  fifo(path: string): void;
  /** Makes an overlayfs whiteout, a character device 0/0. */
  whiteout(path: string): void;
  /** @returns what is at a path, or null for nothing. */
  kind(path: string): FileKind | null;
  /** Removes a file or an empty directory. */
  remove(path: string): void;
  setAttributes(path: string, attributes: FileAttributes): void;
  setXattr(path: string, name: string, value: Uint8Array): void;
  /** Writes the file system the directory is on to disk. */
  sync(): Promise<void>;
  close(): void;
}

/** Opens a directory of ours, whose own path is trusted. @throws the file system's error when it is not there. */
export function openDirectory(path: string): Directory {
  const calls = nativeCalls();
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  const run = (call: NativeCall, ...args: readonly unknown[]): number => {
    const error: Partial<NativeError> = {};
    const result: number = call(fd, ...args, error);
    if (result < 0) throw toBackendError(error as NativeError);
    return result;
  };
  return {
    makeDirectory: (at) => void run(calls.make, at),
    createFile: (at) => run(calls.create, at),
    setFileAttributes: (file, { uid, gid, mode, mtimeSeconds }) => {
      const error: Partial<NativeError> = {};
      const result: number = calls.setFileAttributes(file, uid, gid, mode, mtimeSeconds, error);
      if (result < 0) throw toBackendError(error as NativeError);
    },
    startWriteback: (file, offset, bytes) => offThread(calls.startWriteback, file, offset, bytes),
    symlink: (at, target) => void run(calls.symlink, at, target),
    link: (at, existing) => void run(calls.link, at, existing),
    fifo: (at) => void run(calls.fifo, at),
    whiteout: (at) => void run(calls.whiteout, at),
    kind: (at) => {
      const result: number = calls.kind(fd, at, null);
      if (result === -os.errno.ENOENT) return null;
      return fileKind(result < 0 ? run(calls.kind, at) : result);
    },
    remove: (at) => void run(calls.remove, at),
    setAttributes: (at, { uid, gid, mode, mtimeSeconds }) =>
      void run(calls.setAttributes, at, uid, gid, mode, mtimeSeconds),
    setXattr: (at, name, value) => void run(calls.setXattr, at, name, value, value.byteLength),
    sync: () => offThread(calls.sync, fd),
    close: () => closeSync(fd),
  };
}

type NativeCall = ReturnType<LibraryHandle['func']>;

type Calls = Readonly<
  Record<
    | 'make'
    | 'create'
    | 'symlink'
    | 'link'
    | 'fifo'
    | 'whiteout'
    | 'kind'
    | 'remove'
    | 'setAttributes'
    | 'setXattr'
    | 'sync'
    | 'setFileAttributes'
    | 'startWriteback',
    NativeCall
  >
>;

let loaded: Calls | undefined;

function nativeCalls(): Calls {
  loaded ??= bindCalls();
  return loaded;
}

function bindCalls(): Calls {
  const library = nativeLibrary();
  const failure = koffi.out(koffi.pointer(nativeErrorType));
  const bindTo = (name: string, ...args: readonly string[]): NativeCall =>
    library.func(name, 'int32_t', ['int32_t', ...args, failure]);
  const bind = (name: string, ...args: readonly string[]): NativeCall => bindTo(`hf_dir_${name}`, ...args);
  return {
    make: bind('make', 'str'),
    create: bind('create', 'str'),
    symlink: bind('symlink', 'str', 'str'),
    link: bind('link', 'str', 'str'),
    fifo: bind('fifo', 'str'),
    whiteout: bind('whiteout', 'str'),
    kind: bind('kind', 'str'),
    remove: bind('remove', 'str'),
    setAttributes: bind('set_attributes', 'str', 'uint32_t', 'uint32_t', 'uint32_t', 'int64_t'),
    setXattr: bind('set_xattr', 'str', 'str', 'const void *', 'uint32_t'),
    sync: bind('sync'),
    setFileAttributes: bindTo('hf_file_set_attributes', 'uint32_t', 'uint32_t', 'uint32_t', 'int64_t'),
    startWriteback: bindTo('hf_file_start_writeback', 'int64_t', 'int64_t'),
  };
}

function fileKind(type: number): FileKind {
  switch (type) {
    case constants.S_IFDIR:
      return 'directory';
    case constants.S_IFREG:
      return 'file';
    case constants.S_IFLNK:
      return 'symlink';
    case constants.S_IFIFO:
      return 'fifo';
    case constants.S_IFCHR:
      return 'whiteout';
    default:
      return 'other';
  }
}

/** Runs on a worker thread, for a busy disk may take seconds. */
async function offThread(call: NativeCall, ...args: readonly unknown[]): Promise<void> {
  const error: Partial<NativeError> = {};
  const result: number = await promisify(call.async)(...args, error);
  if (result < 0) throw toBackendError(error as NativeError);
}
