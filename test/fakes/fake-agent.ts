import type { Agent } from '../../agent/loop/agent.ts';
import type { ConditionType, NodeStatus } from '../../manifests/index.ts';
import { fakeImageAdmin } from './fake-image-admin.ts';

/** @returns an agent that answers as it is told and does nothing. */
export function fakeAgent(answers: Partial<Agent> = {}): Agent {
  return {
    start: async () => undefined,
    poll: async () => undefined,
    sync: async () => sampleStatus(),
    status: () => sampleStatus(),
    plan: () => null,
    preview: async () => ({ ok: false, code: 'empty-revision', message: 'nothing', problems: [] }),
    debug: async () => ({ pod: 'pod', container: 'debug-1' }),
    discardVolume: async (volume) => ({ ...volume, state: 'Removed' }),
    images: fakeImageAdmin(),
    imagesInUse: async () => null,
    stop: async () => undefined,
    ...answers,
  };
}

/** @returns the status of a node that runs one pod of one container, all well. */
export function sampleStatus(changes: Partial<NodeStatus> = {}): NodeStatus {
  return {
    node: 'node-1',
    version: '1.2.3',
    revision: { commit: 'c'.repeat(40), signer: 'ops@example.org', committedAt: 1 },
    refused: null,
    conditions: [condition('Ready'), condition('Synced')],
    workloads: [
      {
        key: 'default/web',
        kind: 'Deployment',
        desired: 1,
        ready: 1,
        state: 'Ready',
        reason: 'Running',
        message: '1 of 1 pods run',
        findings: [],
        pods: [
          {
            id: 'default_web_0_abc',
            identity: 'sha256:abc',
            state: 'Running',
            containers: [
              {
                name: 'app',
                image: 'reg.test/app:1',
                state: 'Running',
                pid: 4711,
                restarts: 2,
                startedAt: 1_000,
                exit: null,
              },
            ],
          },
        ],
      },
    ],
    ...changes,
  };
}

/** @returns a condition of a status. */
export function condition(type: ConditionType, status: 'True' | 'False' = 'True'): NodeStatus['conditions'][number] {
  return {
    type,
    status,
    reason: 'Because',
    message: `${type} is ${status}`,
    lastTransitionTime: '2026-01-01T00:00:00Z',
  };
}

/** A finding of a policy, as a status and a plan have it. */
export const sampleFinding = {
  policy: 'baseline',
  rule: 'no-root',
  severity: 'deny',
  message: 'runs as root',
  path: 'spec.containers[0]',
  file: 'web.yaml',
  line: 7,
  column: 3,
} as const;
