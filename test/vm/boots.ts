/** One boot of a machine: what runs in it, how it must end, and when it is switched off at the latest. */
export interface Boot {
  readonly phase: Phase;
  readonly ending: 'cut-power' | 'finished';
  readonly timeoutMs: number;
}

export type Phase = 'suites' | 'agent' | 'after-cut-while-pulling' | 'after-cut-while-starting';

/** Each course begins with a fresh disk and keeps it from boot to boot. A boot that ends otherwise ends the course. */
export const COURSES: readonly (readonly Boot[])[] = [
  [{ phase: 'suites', ending: 'finished', timeoutMs: 900_000 }],
  [
    { phase: 'agent', ending: 'cut-power', timeoutMs: 600_000 },
    { phase: 'after-cut-while-pulling', ending: 'cut-power', timeoutMs: 600_000 },
    { phase: 'after-cut-while-starting', ending: 'finished', timeoutMs: 600_000 },
  ],
];
