/** The Debian releases there are disks of; each brings its own kernel and systemd. */
export type Release = 'bookworm' | 'trixie';

/** One boot of a machine: what runs in it and how it must end. */
export interface Boot {
  readonly phase: Phase;
  readonly ending: 'cut-power' | 'finished';
}

export type Phase = SuitePhase | 'agent' | 'after-cut-while-pulling' | 'after-cut-while-starting';

/** Suites of the project: `kernel` those of what only these machines have, the others those that run on any node. */
export type SuitePhase = 'contract' | 'native' | 'kernel' | 'escape' | 'runtime';

/** Begins with a fresh disk and keeps it from boot to boot. A boot that ends otherwise than it must ends the course. */
export interface Course {
  readonly name: string;
  readonly release: Release;
  readonly boots: readonly Boot[];
}

/** The longest first. Kernel 6.1 has no idmapped layers below an overlay, which the backend then does without; 6.12 has. */
export const COURSES: readonly Course[] = [
  {
    name: 'agent-bookworm',
    release: 'bookworm',
    boots: [
      { phase: 'agent', ending: 'cut-power' },
      { phase: 'after-cut-while-pulling', ending: 'cut-power' },
      { phase: 'after-cut-while-starting', ending: 'finished' },
    ],
  },
  suites('native', 'bookworm'),
  suites('contract', 'bookworm'),
  suites('contract', 'trixie'),
  suites('escape', 'bookworm'),
  suites('runtime', 'bookworm'),
  suites('kernel', 'bookworm'),
  suites('kernel', 'trixie'),
];

function suites(phase: SuitePhase, release: Release): Course {
  return { name: `${phase}-${release}`, release, boots: [{ phase, ending: 'finished' }] };
}
