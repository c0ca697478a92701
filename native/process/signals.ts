import { constants } from 'node:os';
import { BackendError } from '../errors.ts';

const FIRST_REALTIME = 34;
const LAST_REALTIME = 64;

/**
 * @param name `SIGTERM`, `TERM`, `SIGRTMIN+3` or a number, as an image's StopSignal may have it.
 * @returns the signal's number. @throws BackendError `invalid-spec` when there is no such signal.
 */
export function signalNumber(name: string): number {
  const realtime = /^(?:SIG)?RTMIN(?:\+(\d+))?$/.exec(name);
  const full = (name.startsWith('SIG') ? name : `SIG${name}`) as NodeJS.Signals;
  const number = realtime ? FIRST_REALTIME + Number(realtime[1] ?? 0) : (constants.signals[full] ?? Number(name));
  if (Number.isInteger(number) && number >= 1 && number <= LAST_REALTIME) return number;
  const message = `there is no signal ${JSON.stringify(name)}: expected a name such as SIGTERM or a number from 1 to ${LAST_REALTIME}`;
  throw new BackendError('invalid-spec', 'check signal', message);
}

/** @returns the name of a signal's number, such as `SIGKILL` or `SIGRTMIN+3`. */
export function signalName(number: number): string {
  const found = Object.entries(constants.signals).find(([, value]) => value === number);
  return found?.[0] ?? `SIGRTMIN+${number - FIRST_REALTIME}`;
}
