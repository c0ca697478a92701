import { join } from 'node:path';
import type { ContainerSpec, Limits } from '../../native/index.ts';
import type { FakeProgram } from '../fakes/fake-backend.ts';

/** The programs the contract runs: for a kernel as a shell script, for the fake as what comes of it. */
export const PROGRAMS = {
  polite: {
    script: 'trap "exit 7" TERM; echo ready; while :; do busybox sleep 0.02; done',
    fake: { onStop: { code: 7 } },
  },
  'polite to SIGUSR1': {
    script: 'trap "exit 8" USR1; trap "" TERM; echo ready; while :; do busybox sleep 0.02; done',
    fake: { onStop: { code: 8 } },
  },
  stubborn: {
    script: 'trap "" TERM; busybox sleep 1000 & busybox sleep 1000 & echo ready; while :; do busybox sleep 1000; done',
    fake: { onStop: 'never' },
  },
  'exits with 3': { script: 'exit 3', fake: { ends: { code: 3 } } },
  'marks its root': { script: '[ ! -e /mark ] && echo made > /mark', fake: { ends: { code: 0 } } },
  'takes much memory': {
    script: 'exec busybox dd if=/dev/zero of=/dev/null bs=200M count=1',
    fake: { ends: { signal: 'SIGKILL', oomKilled: true } },
  },
  missing: { script: null, fake: { starts: false } },
} as const satisfies Record<string, { readonly script: string | null; readonly fake: FakeProgram }>;

export type ProgramName = keyof typeof PROGRAMS;

export interface ContainerRequest {
  readonly sandboxId: string;
  readonly name: string;
  readonly program: ProgramName;
  readonly limits: Limits;
  readonly ground: { readonly layers: readonly string[]; readonly logDirectory: string };
}

/** A container that runs one of the programs, locked down as a workload's would be. */
export function containerSpec({ sandboxId, name, program, limits, ground }: ContainerRequest): ContainerSpec {
  const { script } = PROGRAMS[program];
  return {
    sandboxId,
    name,
    labels: { container: name, program },
    config: {
      ociVersion: '1.2.0',
      process: {
        args: script === null ? ['/bin/nothing'] : ['/bin/busybox', 'sh', '-c', script],
        env: ['PATH=/bin'],
        cwd: '/',
        user: { uid: 0, gid: 0, umask: 0o22, additionalGids: [] },
        capabilities: [],
        noNewPrivileges: true,
        oomScoreAdj: 0,
        rlimits: [],
      },
      root: { readonly: false },
      mounts: [],
      linux: { maskedPaths: [], readonlyPaths: [], seccomp: null, privileged: false },
    },
    layers: ground.layers,
    limits,
    log: { path: join(ground.logDirectory, `${sandboxId}-${name}.log`), maxBytes: 1_000_000, maxFiles: 2 },
    stopSignal: 'SIGTERM',
  };
}

/** @returns what the fake makes of a container of the contract. */
export function fakeProgramOf(spec: ContainerSpec): FakeProgram {
  const program = spec.labels.program ?? '';
  const known: Readonly<Record<string, { readonly fake: FakeProgram }>> = PROGRAMS;
  const { fake } = known[program] ?? {};
  if (fake === undefined) throw new Error(`the contract has no program "${program}"`);
  return fake;
}
