import type { ProcessId } from '../../process/process-id.ts';
import { sendSignal } from '../../process/send-signal.ts';
import { signalNumber } from '../../process/signals.ts';

const FORWARDED = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGUSR1', 'SIGUSR2', 'SIGCONT', 'SIGALRM'] as const;

/** Passes on to a process the signals that this one gets, for as long as it is waited for. @returns what ends that. */
export function forwardSignals(target: ProcessId): () => void {
  const forward = (name: NodeJS.Signals): void => void sendSignal(target, signalNumber(name));
  for (const name of FORWARDED) process.on(name, forward);
  return () => {
    for (const name of FORWARDED) process.off(name, forward);
  };
}
