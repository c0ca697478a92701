/** One thing that was checked inside the machine. */
export interface Check {
  readonly type: 'check';
  readonly suite: string;
  readonly name: string;
  readonly isPassed: boolean;
  readonly durationMs: number;
  /** Why it failed; empty when it passed. */
  readonly detail: string;
}

/**
 * What the guest tells the host, one JSON object a line on the second serial port. `up` says that systemd has started
 * what checks; `cut-power` asks for the power to be taken away now; `finished` says that all of a phase was checked and
 * the machine switches itself off.
 */
export type Message = Check | { readonly type: (typeof WORDS)[number] };

const WORDS = ['up', 'cut-power', 'finished'] as const;

/** @returns the message of a line; null for what is none, such as a line torn by a power cut. */
export function parseMessage(line: string): Message | null {
  try {
    const message: unknown = JSON.parse(line);
    return isMessage(message) ? message : null;
  } catch {
    return null;
  }
}

function isMessage(value: unknown): value is Message {
  const type = (value as { type?: unknown } | null)?.type;
  return type === 'check' || WORDS.some((word) => word === type);
}
