import { afterEach, describe, expect, test } from '@jest/globals';
import { type FaultStage, openFaultStage, type SandboxChanges } from './faults/fault-stage.ts';
import { FAULTY_VOLUMES } from './faults/faulty-volumes.ts';
import { errnoNames, problemsWithEach } from './faults/judge.ts';

let stage: FaultStage;

afterEach(() => stage.close());

const PODS: readonly SandboxChanges[] = [
  {},
  { processes: 'shared', sysctls: { 'net.ipv4.ip_default_ttl': '33', 'kernel.shmmni': '100' } },
  { processes: 'host', ipc: 'host' },
];

/** The others are made for pods without volumes, too. */
const CALLS_FOR_VOLUMES = /mount|mkdir|open_tree|openat2|fsopen|fsconfig|setfs|stat/;

/** What an exec does depends on the container alone. */
const CASES = [
  ...PODS.flatMap((changes) => (['sandbox', 'container'] as const).map((kind) => [kind, changes] as const)),
  ['exec', {}] as const,
];

describe.each(errnoNames)('a system call of the shim that fails once with %s', (errnoName) => {
  test.each(CASES)(
    'while %s of %j is made, used and removed, is told by name or does no harm, and leaves nothing',
    async (kind, changes) => {
      stage = await openFaultStage(changes);
      const { calls, problems } = await problemsWithEach(stage[kind], errnoName);
      expect(problems).toEqual([]);
      expect(calls).toBeGreaterThan(60);
    },
    300_000,
  );

  test.each(['sandbox', 'container'] as const)(
    'for the volumes of a %s is told by name or does no harm, and leaves nothing',
    async (kind) => {
      stage = await openFaultStage({ volumes: FAULTY_VOLUMES });
      const { calls, problems } = await problemsWithEach(stage[kind], errnoName, CALLS_FOR_VOLUMES);
      expect(problems).toEqual([]);
      expect(calls).toBeGreaterThan(20);
    },
    300_000,
  );
});
