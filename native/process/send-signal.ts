import koffi from 'koffi';
import { type NativeError, nativeErrorType, nativeLibrary, toBackendError } from '../library.ts';
import type { ProcessId } from './process-id.ts';

type SignalFunction = (pid: number, startTime: number, signal: number, error: NativeError) => number;

let native: SignalFunction | undefined;

/**
 * Sends a signal to exactly this process, never to a later owner of its pid.
 * @returns false when it is gone. @throws BackendError when the kernel refuses.
 */
export function sendSignal(process: ProcessId, signal: number): boolean {
  const parameters = ['int32_t', 'uint64_t', 'int32_t', koffi.out(koffi.pointer(nativeErrorType))];
  native ??= nativeLibrary().func('hf_process_signal', 'int32_t', parameters) as SignalFunction;
  const error = {} as NativeError;
  const result = native(process.pid, process.startTime, signal, error);
  if (result === -(koffi.os.errno.ESRCH as number)) return false;
  if (result < 0) throw toBackendError(error);
  return true;
}
