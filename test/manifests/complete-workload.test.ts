import { expect, test } from '@jest/globals';
import { completeWorkload, parseManifests, podIdentity, type Workload } from '../../manifests/index.ts';
import { podText } from './manifest-texts.ts';

/** The IR of a Pod with nothing but its name and image, as the first agent wrote it. Not to be changed. */
const FIRST = {
  kind: 'Pod',
  namespace: 'default',
  name: 'web',
  labels: {},
  annotations: {},
  nodeSelector: {},
  replicas: 1,
  update: { type: 'Recreate', maxSurge: 0, maxUnavailable: 1, minReadySeconds: 0 },
  pod: {
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: 30,
    hostNetwork: false,
    hostUsers: false,
    hostname: 'web',
    fsGroup: null,
    volumes: [],
    initContainers: [],
    containers: [
      {
        name: 'web',
        image: 'docker.io/library/nginx:latest',
        imagePullPolicy: 'Always',
        command: null,
        args: null,
        workingDir: null,
        env: [],
        ports: [{ name: null, containerPort: 80, protocol: 'TCP' }],
        resources: {
          requests: { cpuMillis: null, memoryBytes: null },
          limits: { cpuMillis: null, memoryBytes: null, pids: 1024 },
        },
        volumeMounts: [],
        preStop: null,
        securityContext: {
          privileged: false,
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: false,
          runAsNonRoot: false,
          runAsUser: null,
          runAsGroup: null,
          supplementalGroups: [],
          capabilities: { add: [], drop: [] },
          seccompProfile: 'RuntimeDefault',
        },
      },
    ],
  },
} as unknown as Workload;

test('a workload of the first agent becomes the one today’s reads from the same manifest', () => {
  const { workloads } = parseManifests([{ path: 'a', text: podText({ container: 'ports: [{ containerPort: 80 }]' }) }]);
  expect(completeWorkload(FIRST)).toEqual(workloads[0]?.workload);
});

test('it is the same pod, whatever the agent', () => {
  const digests = { 'docker.io/library/nginx:latest': 'sha256:1' };
  expect(podIdentity(completeWorkload(FIRST), digests)).toBe(podIdentity(FIRST, digests));
});

test('what is there is kept', () => {
  const { workloads } = parseManifests([{ path: 'a', text: podText({ spec: 'shareProcessNamespace: true' }) }]);
  const workload = workloads[0]?.workload as Workload;
  expect(completeWorkload(workload)).toEqual(workload);
});
