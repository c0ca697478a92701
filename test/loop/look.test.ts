import { expect, test } from '@jest/globals';
import { createLooker, type LookPorts } from '../../agent/loop/look.ts';
import type { DesiredState } from '../../agent/reconcile/state.ts';
import { parseManifests } from '../../manifests/index.ts';
import { deployment } from '../reconcile/manifests.ts';

const FAILURE = { kind: 'transient', code: 'unreachable', reason: 'the registry does not answer' } as const;
const DUE_AT = 1_000;

test('what becomes due while the node is observed is tried, for the plan does not wait for it any more', async () => {
  let time = DUE_AT - 1;
  const tried: number[] = [];
  const waits: number[] = [];
  const [located] = parseManifests([{ path: 'fleet.yaml', text: deployment() }]).workloads;
  if (!located) throw new Error('the manifest has no workload');
  const wanted = { state: 'unresolved', failure: FAILURE, retryAt: DUE_AT } as const;
  const workload = { key: 'default/web', workload: located.workload, wanted, lastGood: null, former: [] } as const;
  const desired: DesiredState = { revision: 'c', workloads: [workload] };
  const ports = {
    now: () => time,
    settings: { settleMs: 0, onViolation: 'report' },
    backend: {
      observe: async () => {
        time = DUE_AT + 1;
        return { networks: [], traffic: { guards: [], services: [], ports: [] }, sandboxes: [], strangers: [] };
      },
    },
    ...{ claims: async () => [], volumeObstacle: () => null, networks: null },
    floor: { busy: () => new Set(), history: () => ({}), ready: () => [] },
    board: { desired: () => desired, retryDue: (now: number) => tried.push(now) },
    reporter: { verdicts: () => undefined, drift: () => undefined, looked: () => undefined },
    telemetry: {},
    lookAt: (until: number) => waits.push(until),
    onLooked: async () => undefined,
  } as unknown as LookPorts;
  await createLooker(ports).look('beat');
  expect(waits).toEqual([]);
  expect(tried.at(-1)).toBeGreaterThanOrEqual(DUE_AT);
});
