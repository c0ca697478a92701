import { describe, expect, test } from '@jest/globals';
import { parseManifests, type Workload } from '../../manifests/index.ts';
import { type PodLines, podText } from './manifest-texts.ts';

function workloadOf(text: string): Workload {
  const { workloads, problems } = parseManifests([{ path: 'web.yaml', text }]);
  expect(problems).toEqual([]);
  return workloads[0]?.workload as Workload;
}

describe('what a pod shares and sets', () => {
  test.each<[string, PodLines, object]>([
    ['shareProcessNamespace', { spec: 'shareProcessNamespace: true' }, { pod: { shareProcessNamespace: true } }],
    ['hostPID', { spec: 'hostPID: true' }, { pod: { hostPID: true } }],
    ['hostIPC', { spec: 'hostIPC: true' }, { pod: { hostIPC: true } }],
    [
      'sysctls',
      {
        spec: 'securityContext: { sysctls: [{ name: net.core.somaxconn, value: "9" }, { name: kernel.sem, value: "1 2 3 4" }] }',
      },
      {
        pod: {
          sysctls: [
            { name: 'net.core.somaxconn', value: '9' },
            { name: 'kernel.sem', value: '1 2 3 4' },
          ],
        },
      },
    ],
    [
      'the annotation for rlimits',
      { metadata: 'annotations: { holdfast.dev/rlimits: "nofile=1024:4096, core=0" }' },
      {
        pod: {
          containers: [
            {
              rlimits: [
                { name: 'core', soft: 0, hard: 0 },
                { name: 'nofile', soft: 1024, hard: 4096 },
              ],
            },
          ],
        },
      },
    ],
    [
      'supplementalGroupsPolicy',
      { spec: 'securityContext: { supplementalGroupsPolicy: Merge }' },
      { pod: { containers: [{ securityContext: { mergesImageGroups: true } }] } },
    ],
  ])('%s', (_, lines, expected) => {
    expect(workloadOf(podText(lines))).toMatchObject(expected);
  });
});

describe('how a container is confined, and its life', () => {
  test.each<[string, string, object]>([
    [
      'lifecycle',
      'lifecycle: { postStart: { exec: { command: [a] } }, preStop: { sleep: { seconds: 5 } }, stopSignal: SIGUSR1 }',
      { postStart: ['a'], preStop: null, preStopSleepSeconds: 5, stopSignal: 'SIGUSR1' },
    ],
    ['a sleep of nothing', 'lifecycle: { preStop: { sleep: { seconds: 0 } } }', { preStopSleepSeconds: null }],
    [
      'localhostProfile',
      'securityContext: { seccompProfile: { type: Localhost, localhostProfile: shop/web.json } }',
      { securityContext: { seccompProfile: 'Localhost', localhostProfile: 'shop/web.json' } },
    ],
    [
      'appArmorProfile',
      'securityContext: { appArmorProfile: { type: Localhost, localhostProfile: shop } }',
      { securityContext: { appArmorProfile: 'shop' } },
    ],
    [
      'appArmorProfile Unconfined',
      'securityContext: { appArmorProfile: { type: Unconfined } }',
      { securityContext: { appArmorProfile: 'unconfined' } },
    ],
    [
      'seLinuxOptions',
      'securityContext: { seLinuxOptions: { type: shop_t, level: "s0:c1,c2" } }',
      {
        securityContext: { seLinuxOptions: { user: 'system_u', role: 'system_r', type: 'shop_t', level: 's0:c1,c2' } },
      },
    ],
    ['procMount', 'securityContext: { procMount: Unmasked }', { securityContext: { procMount: 'Unmasked' } }],
    ['procMount Default', 'securityContext: { procMount: Default }', { securityContext: { procMount: null } }],
  ])('%s', (_, container, expected) => {
    expect(workloadOf(podText({ container })).pod.containers[0]).toMatchObject(expected);
  });
});
