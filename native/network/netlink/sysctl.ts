import koffi from 'koffi';
import { type NativeError, nativeErrorType, nativeLibrary, toBackendError } from '../../library.ts';
import type { NetworkNamespace } from './namespace.ts';

type SysctlFunction = (
  ...args: [namespace: number, name: string, value: string | null, before: Buffer, size: number, error: NativeError]
) => number;

const VALUE_BYTES = 32;

let native: SysctlFunction | undefined;

/**
 * Sets `/proc/sys/net/<name>` of a namespace.
 * @returns the value before, or null when this kernel has no such setting. @throws BackendError when it is refused.
 */
export function setSysctl(namespace: NetworkNamespace, name: string, value: string): string | null {
  return call(namespace, name, value);
}

/** @returns a setting's value, or null when this kernel has no such setting. @throws BackendError when it is refused. */
export function readSysctl(namespace: NetworkNamespace, name: string): string | null {
  return call(namespace, name, null);
}

function call(namespace: NetworkNamespace, name: string, value: string | null): string | null {
  const error = koffi.out(koffi.pointer(nativeErrorType));
  const parameters = ['int32_t', 'str', 'str', 'void *', 'size_t', error];
  native ??= nativeLibrary().func('hf_net_sysctl', 'int32_t', parameters) as SysctlFunction;
  const before = Buffer.alloc(VALUE_BYTES);
  const failure = {} as NativeError;
  const result = native(namespace.fd, name, value, before, VALUE_BYTES, failure);
  if (result === -(koffi.os.errno.ENOENT as number)) return null;
  if (result < 0) throw toBackendError(failure);
  return before.toString('latin1', 0, before.indexOf(0));
}
