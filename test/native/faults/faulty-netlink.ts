import { constants } from 'node:os';
import type { LibraryHandle } from 'koffi';
import type { NativeError } from '../../../native/library.ts';

/** Makes one step of the backend's talk with the kernel about networks fail. */
export interface FaultyNetlink {
  /** @returns the module of the C library with its network calls under watch. */
  wrap<T extends { nativeLibrary(): LibraryHandle }>(module: T): T;
  /** From now on the nth step fails, counted from 0. */
  arm(fault: { readonly nth: number; readonly errnoName: string }): void;
  /** Ends the fault. @returns the step that failed, such as `publish sandbox: message 3 of 7`, or null when there were fewer. */
  disarm(): string | null;
}

type Done = (broken: Error | null, bytes: number) => void;
type Call = (...args: readonly unknown[]) => number;
type TalkArguments = [number, ...Told];
type VisitArguments = [number, number, ...Told];
type Told = [string, Buffer, number, Buffer, number, NativeError, Done];

/** A type of message that neither rtnetlink nor nftables knows: it is refused, and what else is sent with it is not. */
const UNKNOWN_TYPE = 0xff;
/** What frames a transaction of nftables (NFNL_MSG_BATCH_BEGIN, _END) is no request: a header, and `struct nfgenmsg`. */
const FRAMES: ReadonlySet<number> = new Set([0x10, 0x11]);
const FRAME_BYTES = 20;

/** Also conversations that never begin, or of which nobody learns the end: `npm run test:faults` has them. */
const isThorough = process.env.HOLDFAST_FAULTS !== undefined;

/**
 * @returns a library without faults yet. A conversation can fail in each of these steps: one message of it is refused by
 * the kernel, the others not; with `HOLDFAST_FAULTS` also: it is not sent; all of it is carried out, and the answer is
 * lost. Of a transaction, which is carried out as a whole or not at all, only the first and the last message are refused.
 */
export function createFaultyNetlink(): FaultyNetlink {
  let armed: { readonly nth: number; readonly errnoName: string } | null = null;
  let steps = 0;
  let failed: string | null = null;
  const isDue = (what: string): boolean => {
    const due = armed !== null && steps === armed.nth;
    steps += 1;
    if (due) failed = what;
    return due;
  };
  const errnum = (): number => constants.errno[armed?.errnoName as keyof typeof constants.errno];
  const fail = (stage: string, error: NativeError): number => {
    Object.assign(error, { errnum: errnum(), stage, path: '' });
    return -errnum();
  };

  const watchedCall =
    (name: string, call: Call): Call =>
    (...args) =>
      isDue(`${name} ${args.filter((arg) => typeof arg === 'string').join(' ')}`)
        ? fail(name, args.at(-1) as NativeError)
        : call(...args);
  const tell = (call: (...told: Told) => void, [stage, sent, length, answer, room, error, done]: Told): void => {
    if (isThorough && isDue(`${stage}: not sent`)) {
      done(null, fail(stage, error));
      return;
    }
    const messages = messagesOf(sent);
    const refused = messages.find((_, index) => isDue(`${stage}: message ${index + 1} of ${messages.length}`));
    const isLost = isThorough && refused === undefined && isDue(`${stage}: answer lost`);
    const changed = Buffer.from(sent);
    if (refused !== undefined) changed[refused + 4] = UNKNOWN_TYPE;
    call(stage, changed, length, answer, room, error, (broken, bytes) =>
      done(broken, isLost ? fail(stage, error) : bytes),
    );
  };
  const talk = (call: (...args: TalkArguments) => void, [fd, ...told]: TalkArguments): void =>
    tell((...changed) => call(fd, ...changed), told);
  const visit = (call: (...args: VisitArguments) => void, [namespace, protocol, ...told]: VisitArguments): void =>
    tell((...changed) => call(namespace, protocol, ...changed), told);

  const watch = (library: LibraryHandle): LibraryHandle => {
    const func = (...signature: Parameters<LibraryHandle['func']>) => {
      const real = library.func(...signature);
      const name = String(signature[0]);
      if (name === 'hf_net_visit') return { async: (...args: VisitArguments) => visit(real.async as never, args) };
      if (name === 'hf_net_talk') return { async: (...args: TalkArguments) => talk(real.async as never, args) };
      return name.startsWith('hf_net_') ? watchedCall(name, real as Call) : real;
    };
    return { ...library, func } as unknown as LibraryHandle;
  };
  return {
    wrap: (module) => {
      let watched: LibraryHandle | undefined;
      return {
        ...module,
        nativeLibrary: () => {
          watched ??= watch(module.nativeLibrary());
          return watched;
        },
      };
    },
    arm: (fault) => {
      [armed, steps, failed] = [fault, 0, null];
    },
    disarm: () => {
      armed = null;
      return failed;
    },
  };
}

/** @returns where each request begins that is to be refused. */
function messagesOf(sent: Buffer): readonly number[] {
  const all: number[] = [];
  for (let at = 0; at < sent.length; at += (sent.readUInt32LE(at) + 3) & ~3) all.push(at);
  const requests = all.filter((at) => !FRAMES.has(sent.readUInt16LE(at + 4)) || sent.readUInt32LE(at) !== FRAME_BYTES);
  return requests.length === all.length
    ? all
    : [...new Set([requests.at(0), requests.at(-1)])].filter((at) => at !== undefined);
}
