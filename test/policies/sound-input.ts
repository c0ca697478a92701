import type { Container, Origin } from '../../manifests/index.ts';
import type { PolicyInput } from '../../policies/index.ts';
import { SOUND_FACTS } from '../fakes/image-facts.ts';
import { NO_MORE_LIMITS } from '../manifests/manifest-texts.ts';

export const DIGEST = `sha256:${'a'.repeat(64)}`;
/** An hour of the clock, nanoseconds since 1970. */
export const NOW = Date.parse('2026-11-25T12:00:00Z') * 1_000_000;
export const IMAGE = `registry.example/app:1.2@${DIGEST}`;

/** A container that meets every rule. */
export const SOUND_CONTAINER: Container = {
  name: 'app',
  image: IMAGE,
  imagePullPolicy: 'IfNotPresent',
  command: null,
  args: ['--verbose'],
  workingDir: null,
  env: [{ name: 'MODE', value: 'production', valueFrom: null }],
  envFrom: [],
  ports: [],
  resources: {
    requests: { cpuMillis: null, memoryBytes: null },
    limits: { ...NO_MORE_LIMITS, cpuMillis: 250, memoryBytes: 134_217_728, pids: 256 },
  },
  volumeMounts: [],
  postStart: null,
  preStop: null,
  preStopSleepSeconds: null,
  stopSignal: null,
  rlimits: [],
  securityContext: {
    privileged: false,
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    runAsNonRoot: true,
    runAsUser: null,
    runAsGroup: null,
    supplementalGroups: [],
    capabilities: { add: [], drop: ['ALL'] },
    seccompProfile: 'RuntimeDefault',
    localhostProfile: null,
    appArmorProfile: null,
    seLinuxOptions: null,
    procMount: null,
    mergesImageGroups: false,
  },
};

/** What a test changes in the sound input. Typed loosely, because much of it is meant to be wrong. */
export interface Changes {
  readonly input?: object;
  readonly pod?: object;
  readonly container?: object;
  readonly securityContext?: object;
  readonly limits?: object;
  readonly facts?: object;
}

/** @returns an input that every rule of the default bundle approves, but for the changes. */
export function soundInput(changes: Changes = {}): PolicyInput {
  const { limits } = SOUND_CONTAINER.resources;
  const container = {
    ...SOUND_CONTAINER,
    resources: { ...SOUND_CONTAINER.resources, limits: { ...limits, ...changes.limits } },
    securityContext: { ...SOUND_CONTAINER.securityContext, ...changes.securityContext },
    ...changes.container,
  };
  return {
    version: 'holdfast.dev/v1alpha1',
    workload: { kind: 'Deployment', namespace: 'default', name: 'shop', labels: {}, annotations: {} },
    pod: {
      restartPolicy: 'Always',
      terminationGracePeriodSeconds: 30,
      hostNetwork: false,
      networks: null,
      dns: { isWithoutNode: false, nameservers: [], searches: [], options: [] },
      hostAliases: [],
      otherHostnames: [],
      hostUsers: false,
      shareProcessNamespace: false,
      hostPID: false,
      hostIPC: false,
      sysctls: [],
      hostname: 'shop',
      fsGroup: null,
      fsGroupChangePolicy: null,
      volumes: [],
      initContainers: [],
      containers: [container],
      ...changes.pod,
    },
    images: { [IMAGE]: { ...SOUND_FACTS, ...changes.facts } },
    now: NOW,
    node: { name: 'node-1', labels: {} },
    ...changes.input,
  };
}

/** Where the sound input was written. Its securityContext has a line of its own, its limits have not. */
export const ORIGIN: Origin = {
  file: 'shop/deployment.yaml',
  podPath: 'spec.template.spec',
  positions: {
    '': { line: 1, column: 1 },
    'spec.template.spec': { line: 10, column: 7 },
    'spec.template.spec.containers': { line: 11, column: 7 },
    'spec.template.spec.containers[0]': { line: 12, column: 11 },
    'spec.template.spec.containers[0].image': { line: 13, column: 11 },
    'spec.template.spec.containers[0].securityContext': { line: 14, column: 11 },
    'spec.template.spec.containers[0].securityContext.runAsUser': { line: 15, column: 13 },
    'spec.template.spec.containers[0].securityContext.privileged': { line: 16, column: 13 },
  },
};

/** @returns the rules of a verdict's findings, each once, sorted; empty for an approval. */
export function rulesOf(verdict: { readonly decision: string; readonly findings?: readonly { rule: string }[] }) {
  return [...new Set((verdict.findings ?? []).map(({ rule }) => rule))].sort();
}
