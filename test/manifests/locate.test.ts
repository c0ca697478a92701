import { describe, expect, test } from '@jest/globals';
import { formatProblem, locate, type Origin, parseManifests } from '../../manifests/index.ts';
import { deploymentText, podText } from './manifest-texts.ts';

function originOf(text: string): Origin {
  const [located] = parseManifests([{ path: 'a.yaml', text }]).workloads;
  if (!located) throw new Error('no workload');
  return located.origin;
}

describe('a field of the pod', () => {
  const spec = 'securityContext: { runAsUser: 1 }\nhostNetwork: true';
  const container = 'securityContext:\n  privileged: true\nresources: { limits: { holdfast.dev/pids: 5 } }';
  const origin = originOf(podText({ spec, container }));

  test.each([
    ['hostNetwork', 7, 3, 'spec.hostNetwork'],
    ['containers[0].securityContext.privileged', 12, 9, 'spec.containers[0].securityContext.privileged'],
    [
      'containers[0].resources.limits["holdfast.dev/pids"]',
      13,
      30,
      'spec.containers[0].resources.limits["holdfast.dev/pids"]',
    ],
  ])('%s is where it was written', (field, line, column, path) => {
    expect(locate(origin, field)).toEqual({ file: 'a.yaml', line, column, path });
  });

  test.each([
    ['containers[0].resources.limits.memory', 13, 20],
    ['containers[0].securityContext.capabilities.add[0]', 11, 7],
    ['containers[0].imagePullPolicy', 9, 7],
    ['hostUsers', 5, 1],
    ['', 5, 1],
  ])('%j that was not written is where it would belong', (field, line, column) => {
    const path = field === '' ? 'spec' : `spec.${field}`;
    expect(locate(origin, field)).toEqual({ file: 'a.yaml', line, column, path });
  });

  test('that a container inherits is where the pod has it', () => {
    const expected = { file: 'a.yaml', line: 6, column: 22, path: 'spec.securityContext.runAsUser' };
    expect(locate(origin, 'containers[0].securityContext.runAsUser')).toEqual(expected);
  });

  test('of a Deployment is in its template', () => {
    const origin = originOf(deploymentText({ pod: 'hostNetwork: true' }));
    expect(locate(origin, 'hostNetwork')).toEqual({
      file: 'a.yaml',
      line: 11,
      column: 7,
      path: 'spec.template.spec.hostNetwork',
    });
  });
});

test('a problem is printed as compilers print one', () => {
  const problem = { file: 'a.yaml', line: 1, column: 2, path: 'spec.a', message: 'is required' };
  expect(formatProblem(problem)).toBe('a.yaml:1:2: spec.a: is required');
  expect(formatProblem({ ...problem, path: '' })).toBe('a.yaml:1:2: is required');
});
