import { describe, expect, test } from '@jest/globals';
import { parseManifests } from '../../manifests/index.ts';
import { type PodLines, podText } from './manifest-texts.ts';
import { marked } from './marked-text.ts';

/** Expects exactly one problem, where the mark is. */
function expectProblem(markedText: string, path: string, message: string | RegExp): void {
  const { text, line, column } = marked(markedText);
  const { problems } = parseManifests([{ path: 'apps/web.yaml', text }]);
  const expected = typeof message === 'string' ? message : expect.stringMatching(message);
  expect(problems).toEqual([{ file: 'apps/web.yaml', line, column, path, message: expected }]);
}

describe('a problem of what a pod shares and sets', () => {
  test.each<[PodLines, string, string | RegExp]>([
    [{ spec: 'hostPID: true\n▶shareProcessNamespace: true' }, 'spec.shareProcessNamespace', /no meaning beside/],
    [
      { spec: 'securityContext: { sysctls: [{ ▶name: vm.swappiness, value: "1" }] }' },
      'spec.securityContext.sysctls[0].name',
      /no parameter of a pod’s own; allowed are kernel\.shm/,
    ],
    [
      { spec: 'securityContext: { sysctls: [{ ▶name: net/core/somaxconn, value: "1" }] }' },
      'spec.securityContext.sysctls[0].name',
      /with dots/,
    ],
    [
      { spec: 'securityContext: { sysctls: [{ name: kernel.sem, ▶value: "1\\n2" }] }' },
      'spec.securityContext.sysctls[0].value',
      'must be one line',
    ],
    [
      { spec: 'securityContext: { sysctls: [{ name: kernel.sem, value: "1" }, { ▶name: kernel.sem, value: "2" }] }' },
      'spec.securityContext.sysctls[1].name',
      /used twice/,
    ],
    [
      { spec: 'hostNetwork: true\nsecurityContext: { sysctls: [{ ▶name: net.core.somaxconn, value: "1" }] }' },
      'spec.securityContext.sysctls[0].name',
      /`hostNetwork: true`/,
    ],
    [
      { spec: 'hostIPC: true\nsecurityContext: { sysctls: [{ ▶name: kernel.shmmax, value: "1" }] }' },
      'spec.securityContext.sysctls[0].name',
      /`hostIPC: true`/,
    ],
    [
      { spec: 'hostUsers: true', container: 'securityContext: { ▶procMount: Unmasked }' },
      'spec.containers[0].securityContext.procMount',
      /`hostUsers: true`/,
    ],
    [
      { spec: 'hostPID: true', container: 'securityContext: { ▶procMount: Unmasked }' },
      'spec.containers[0].securityContext.procMount',
      /`hostPID: true`/,
    ],
    [
      { metadata: 'annotations: { ▶container.apparmor.security.beta.kubernetes.io/web: localhost/shop }' },
      'metadata.annotations["container.apparmor.security.beta.kubernetes.io/web"]',
      /write `securityContext\.appArmorProfile`/,
    ],
    [
      { metadata: 'annotations: { ▶seccomp.security.alpha.kubernetes.io/pod: unconfined }' },
      'metadata.annotations["seccomp.security.alpha.kubernetes.io/pod"]',
      /write `securityContext\.seccompProfile`/,
    ],
    [
      { metadata: 'annotations: { ▶holdfast.dev/rlimit: nofile=1 }' },
      'metadata.annotations["holdfast.dev/rlimit"]',
      /did you mean `holdfast\.dev\/rlimits`/,
    ],
    ...[
      ['nofile', /must be limits such as/],
      ['nofile=4096:1024', /above the hard one/],
      ['nofiles=1', /did you mean `nofile`/],
      ['nofile=1, nofile=2', /twice/],
      ['nofile=unlimited', /numbers/],
    ].map(
      ([text, message]) =>
        [
          { metadata: `annotations: { ▶holdfast.dev/rlimits: "${text}" }` },
          'metadata.annotations["holdfast.dev/rlimits"]',
          message as RegExp,
        ] as [PodLines, string, RegExp],
    ),
    [
      {
        spec: 'initContainers: [{ name: first, image: nginx, lifecycle: { ▶postStart: { exec: { command: [a] } } } }]',
      },
      'spec.initContainers[0].lifecycle.postStart',
      /make this a sidecar/,
    ],
    ...['httpGet', 'tcpSocket', 'sleep'].map(
      (hook) =>
        [
          { container: `lifecycle: { postStart: { exec: { command: [a] }, ▶${hook}: {} } }` },
          `spec.containers[0].lifecycle.postStart.${hook}`,
          /not supported yet/,
        ] as [PodLines, string, RegExp],
    ),
    [
      { container: 'lifecycle: { preStop: { exec: { command: [a] }, ▶httpGet: {} } }' },
      'spec.containers[0].lifecycle.preStop.httpGet',
      /not supported yet/,
    ],
    [
      { container: 'lifecycle: { ▶preStop: { exec: { command: [a] }, sleep: { seconds: 1 } } }' },
      'spec.containers[0].lifecycle.preStop',
      /exactly one/,
    ],
    [{ container: 'lifecycle: { ▶preStop: {} }' }, 'spec.containers[0].lifecycle.preStop', /exactly one/],
    [
      { container: 'lifecycle: { ▶stopSignal: SIGUSER1 }' },
      'spec.containers[0].lifecycle.stopSignal',
      /did you mean `SIGUSR1`/,
    ],
  ])('%j', (lines, path, message) => {
    expectProblem(podText(lines), path, message);
  });
});

describe('a problem of how a container is confined', () => {
  test.each<[string, string, string | RegExp]>([
    ['securityContext: { ▶procMount: unmasked }', 'securityContext.procMount', /did you mean `Unmasked`/],
    [
      'securityContext: { ▶seccompProfile: { type: Localhost } }',
      'securityContext.seccompProfile',
      /must have a `localhostProfile`/,
    ],
    [
      'securityContext: { seccompProfile: { type: Unconfined, ▶localhostProfile: a } }',
      'securityContext.seccompProfile.localhostProfile',
      /belongs to type `Localhost` only/,
    ],
    ...['../a.json', '/etc/a.json', 'a/../b', './a', 'a//b', 'a b'].map((path): [string, string, RegExp] => [
      `securityContext: { seccompProfile: { type: Localhost, ▶localhostProfile: "${path}" } }`,
      'securityContext.seccompProfile.localhostProfile',
      /below the profile directory/,
    ]),
    [
      'securityContext: { appArmorProfile: { ▶type: RuntimeDefault } }',
      'securityContext.appArmorProfile.type',
      /brings no AppArmor profile/,
    ],
    [
      'securityContext: { appArmorProfile: { type: Localhost, ▶localhostProfile: "a b" } }',
      'securityContext.appArmorProfile.localhostProfile',
      /loaded on the node/,
    ],
    ['securityContext: { seLinuxOptions: { ▶level: top } }', 'securityContext.seLinuxOptions.level', /`s0:c1,c2`/],
    ['securityContext: { seLinuxOptions: { ▶type: "a:b" } }', 'securityContext.seLinuxOptions.type', /letters, digits/],
  ])('%s', (container, path, message) => {
    expectProblem(podText({ container }), `spec.containers[0].${path}`, message);
  });
});
