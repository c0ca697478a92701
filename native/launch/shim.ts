import { once } from 'node:events';
import { Socket } from 'node:net';
import koffi from 'koffi';
import { BackendError } from '../errors.ts';
import {
  buildPath,
  checkLayout,
  type NativeError,
  nativeErrorType,
  nativeLibrary,
  toBackendError,
} from '../library.ts';
import { encodeLaunchSpec } from './encode.ts';
import type { LaunchSpec } from './launch-spec.ts';
import { decodeReport, REPORT_BYTES, type ShimReport } from './report.ts';

const REPORT_MS = 60_000;

/** Starts shims from one sealed copy of the program. */
export interface ShimLauncher {
  /** Runs one launch spec and resolves once its process runs. @throws BackendError with the stage that failed. */
  launch(spec: LaunchSpec): Promise<ShimReport>;
}

/**
 * Loads the shim program, as built unless another is given, into a sealed memory file.
 * @throws BackendError `internal` when it is not built, or of another version than the library.
 */
export function createShimLauncher(programPath: string = buildPath('holdfast-shim')): ShimLauncher {
  const library = nativeLibrary();
  checkLayout('hf_report', REPORT_BYTES);
  const error = koffi.out(koffi.pointer(nativeErrorType));
  const load = library.func('hf_shim_load', 'int32_t', ['str', error]);
  const spawn = library.func('hf_shim_spawn', 'int32_t', ['int32_t', 'const void *', 'size_t', error]);
  const failure = {} as NativeError;
  const program: number = load(programPath, failure);
  if (program < 0) throw toBackendError(failure, 'internal');
  const spawnShim = (spec: Buffer): Promise<Socket> =>
    new Promise((resolve, reject) => {
      const failed = {} as NativeError;
      spawn.async(program, spec, spec.length, failed, (broken: Error | null, fd: number) => {
        if (broken) reject(broken);
        else if (fd < 0) reject(toBackendError(failed));
        else resolve(new Socket({ fd, readable: true, writable: false }));
      });
    });
  return { launch: async (spec) => readReport(await spawnShim(encode(spec))) };
}

function encode(spec: LaunchSpec): Buffer {
  try {
    return encodeLaunchSpec(spec);
  } catch (cause) {
    throw new BackendError('invalid-spec', 'encode launch spec', (cause as Error).message, { cause });
  }
}

async function readReport(socket: Socket): Promise<ShimReport> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  socket.setTimeout(REPORT_MS, () => socket.destroy());
  await once(socket, 'close');
  const received = Buffer.concat(chunks);
  if (received.length === REPORT_BYTES) return decodeReport(received);
  throw new BackendError(
    'internal',
    'read shim report',
    `the shim ended or stayed silent for ${REPORT_MS} ms without a report`,
  );
}
