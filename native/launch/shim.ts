import { writeSync } from 'node:fs';
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
import type { ContainerLaunch, ExecLaunch, LaunchSpec, SandboxLaunch } from './launch-spec.ts';
import { decodeReport, REPORT_BYTES, type ShimReport } from './report.ts';

const REPORT_MS = 60_000;

/** Starts shims from one sealed copy of the program. */
export interface ShimLauncher {
  /**
   * Has a shim get ready while `makeGround` makes what must be there before any of the pod or container is, its record and
   * its cgroups; then lets it make it. When `makeGround` fails the shim has ended by the time its error is thrown.
   * `started` is rejected with a BackendError that has the stage that failed.
   */
  start<Ground>(
    spec: SandboxLaunch | ContainerLaunch,
    makeGround: () => Promise<Ground>,
  ): Promise<{ readonly ground: Ground; readonly started: Promise<ShimReport> }>;
  /** Runs a process in a container and resolves once it is exec'd. The session is what the shim says after its report. */
  open(spec: ExecLaunch): Promise<{ readonly report: ShimReport; readonly session: Socket }>;
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
  const spawn = library.func('hf_shim_spawn', 'int32_t', ['int32_t', 'str', 'const void *', 'size_t', error]);
  const failure = {} as NativeError;
  const program: number = load(programPath, failure);
  if (program < 0) throw toBackendError(failure, 'internal');
  // On this thread: it takes less time than going to another one and back.
  const spawnShim = (spec: LaunchSpec): number => {
    const failed = {} as NativeError;
    const bytes = encode(spec);
    const fd: number = spawn(program, spec.birthGroup, bytes, bytes.length, failed);
    if (fd < 0) throw toBackendError(failed);
    return fd;
  };
  return {
    start: async (spec, makeGround) => {
      const fd = spawnShim(spec);
      const socket = socketOf(fd);
      const report = readReport(socket).finally(() => socket.destroy());
      // It may fail before anybody waits for it.
      report.catch(() => undefined);
      try {
        const ground = await makeGround();
        letGo(fd);
        return { ground, started: report };
      } catch (error) {
        socket.end();
        await report.catch(() => undefined);
        throw error;
      }
    },
    open: async (spec) => {
      const session = socketOf(spawnShim(spec));
      try {
        return { report: await readReport(session), session };
      } catch (error) {
        session.destroy();
        throw error;
      }
    },
  };
}

function socketOf(fd: number): Socket {
  return new Socket({ fd, readable: true, writable: true });
}

/** Past the stream, which would throw away the report of a shim that failed before this. */
function letGo(fd: number): void {
  try {
    writeSync(fd, 'g');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EPIPE' && code !== 'ECONNRESET') throw error;
  }
}

function encode(spec: LaunchSpec): Buffer {
  try {
    return encodeLaunchSpec(spec);
  } catch (cause) {
    throw new BackendError('invalid-spec', 'encode launch spec', (cause as Error).message, { cause });
  }
}

/** Takes the report from the socket, and not a byte more. */
function readReport(socket: Socket): Promise<ShimReport> {
  return new Promise((resolve, reject) => {
    const silence = setTimeout(() => socket.destroy(), REPORT_MS);
    const fail = (): void => {
      clearTimeout(silence);
      const message = `the shim ended or stayed silent for ${REPORT_MS} ms without a report`;
      reject(new BackendError('internal', 'read shim report', message));
    };
    const take = (): void => {
      const received: Buffer | null = socket.read(REPORT_BYTES);
      if (received?.length !== REPORT_BYTES) return;
      clearTimeout(silence);
      socket.off('readable', take).off('close', fail);
      try {
        resolve(decodeReport(received));
      } catch (error) {
        reject(error as BackendError);
      }
    };
    socket.on('readable', take);
    socket.once('close', fail);
    // A close follows every error.
    socket.on('error', () => undefined);
  });
}
