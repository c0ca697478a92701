/** How a boot came to its end. */
export interface Ending {
  /** `off`: the machine went off without a word. `stalled`: it gave no sign of life for too long. */
  readonly how: 'cut-power' | 'finished' | 'off' | 'stalled';
  /** Whether systemd had started what checks. */
  readonly isUp: boolean;
  /** The last lines of the console. */
  readonly console: string;
}

/**
 * Boots, and says so and boots once more when systemd did not come up: that tells nothing about the project, for which
 * nothing has run yet. Whatever happens after that is final.
 */
export async function bootOnceMore(boot: () => Promise<Ending>, say: (line: string) => void): Promise<Ending> {
  const first = await boot();
  if (first.isUp) return first;
  say(`ended with "${first.how}" before systemd was up; the end of its console:\n${first.console}`);
  say('booting once more');
  return boot();
}
