import { appendFileSync } from 'node:fs';
import type { Message } from '../messages.ts';

/** Tells the host, over the second serial port. */
export function tellHost(message: Message): void {
  appendFileSync('/dev/ttyS1', `${JSON.stringify(message)}\n`);
}
