import { expect, test } from '@jest/globals';
import { materialOf } from '../../agent/material/material.ts';
import { podFacts } from '../../agent/material/pod-facts.ts';
import { type ResolvedContainer, resolveContainer } from '../../agent/material/resolve-container.ts';
import { parseManifests } from '../../manifests/index.ts';

const SECRET = {
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'db' },
  stringData: { user: 'hush', PASSWORD: 'x' },
};

function resolved(subPathExpr: string, command: readonly string[] = ['run']): ResolvedContainer {
  const env = [
    { name: 'POD', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
    { name: 'USER', valueFrom: { secretKeyRef: { name: 'db', key: 'user' } } },
    { name: 'DERIVED', value: 'of-$(USER)' },
  ];
  const container = {
    ...{ name: 'app', image: 'registry.example/app:1', env, envFrom: [{ secretRef: { name: 'db' }, prefix: 'DB_' }] },
    command,
    volumeMounts: [{ name: 'data', mountPath: '/data', subPathExpr }],
  };
  const spec = { volumes: [{ name: 'data', emptyDir: {} }], containers: [container] };
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web' }, spec };
  const text = [pod, SECRET].map((document) => JSON.stringify(document)).join('\n---\n');
  const { workloads, resources, problems } = parseManifests([{ path: 'web.yaml', text }]);
  const [workload] = workloads.map((located) => located.workload);
  const [written] = workload?.pod.containers ?? [];
  if (workload === undefined || written === undefined) throw new Error(JSON.stringify(problems));
  return resolveContainer(written, podFacts(workload, 'default_web_0_a', 'node'), materialOf(resources));
}

test('a path below a volume is made of what the pod knows of itself, and secrets are marked', () => {
  const { container, secretVariables } = resolved('logs/$(POD)');
  expect(container.volumeMounts[0]?.subPath).toBe('logs/web');
  expect([...secretVariables].sort()).toEqual(['DB_PASSWORD', 'DB_user', 'DERIVED', 'USER']);
});

test.each(['$(USER)', 'a/$(DERIVED)', '$(DB_PASSWORD)'])('nothing of a Secret becomes a path: %s', (written) => {
  expect(() => resolved(written)).toThrow(
    expect.objectContaining({ code: 'sub-path', message: expect.not.stringMatching(/hush|x$/) }),
  );
});

test('arguments may come from a Secret, and the program, which messages name, may not', () => {
  expect(resolved('a', ['run', '--as=$(USER)']).container.command).toEqual(['run', '--as=hush']);
  expect(() => resolved('a', ['/bin/$(DERIVED)'])).toThrow(
    expect.objectContaining({
      code: 'material',
      message: 'container app: the program of its command comes from a Secret',
    }),
  );
});

test.each(['../$(POD)', '$(MISSING)/..'])('a path that leads elsewhere is refused: %s', (written) => {
  expect(() => resolved(written)).toThrow();
});
