import koffi from 'koffi';
import { type NativeError, nativeErrorType, nativeLibrary, toBackendError } from '../library.ts';

/**
 * Has a program of the kind BPF_PROG_TYPE_CGROUP_DEVICE decide on the devices of a v2 group and all below it.
 * @param directory of the group. @throws BackendError with the stage that failed.
 */
export function holdDevices(directory: string, program: Uint8Array): void {
  const hold = nativeLibrary().func('hf_group_hold_devices', 'int32_t', ['str', 'const void *', 'size_t', ERROR]);
  const error = {} as NativeError;
  if (hold(directory, program, program.length, error) < 0) throw toBackendError(error);
}

/** @returns whether a v2 group has such a program. @throws BackendError as `holdDevices` does. */
export function hasDeviceProgram(directory: string): boolean {
  const ask = nativeLibrary().func('hf_group_holds_devices', 'int32_t', ['str', ERROR]);
  const error = {} as NativeError;
  const found: number = ask(directory, error);
  if (found < 0) throw toBackendError(error);
  return found === 1;
}

const ERROR = koffi.out(koffi.pointer(nativeErrorType));
