import { describe, expect, test } from '@jest/globals';
import { type ManifestText, nodeTrafficProblems, parseManifests } from '../../manifests/index.ts';
import { podText } from './manifest-texts.ts';

const list = (count: number, item: (n: number) => string): string =>
  Array.from({ length: count }, (_, n) => item(n)).join(', ');
const ports = (count: number): string => list(count, (n) => `{ port: ${n + 1} }`);

/** Each rule: one block, and so many ports. */
const policy = (name: string, rules: number, portsEach: number, namespace = 'shop'): ManifestText => ({
  path: `${namespace}-${name}.yaml`,
  text: `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: ${name}, namespace: ${namespace} }
spec:
  podSelector: {}
  ingress:
${Array.from({ length: rules }, () => `    - { from: [{ ipBlock: { cidr: 10.0.0.0/8 } }], ports: [${ports(portsEach)}] }\n`).join('')}`,
});

const service = (name: string, portsEach: number, namespace = 'shop'): ManifestText => ({
  path: `${namespace}-${name}.yaml`,
  text: `apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: ${namespace} }
spec:
  selector: { app: a }
  ports: [${list(portsEach, (n) => `{ name: p${n}, port: ${n + 1} }`)}]
`,
});

const pod = (namespace: string): ManifestText => ({
  path: `${namespace}-pod.yaml`,
  text: podText().replace('metadata:', `metadata:\n  namespace: ${namespace}`),
});

describe('what policies of a namespace come to', () => {
  test('may be all that a node holds', () => {
    expect(parseManifests([policy('a', 64, 64), policy('b', 64, 64)]).problems).toEqual([]);
  });

  test('and no more: the rule that is too much is named', () => {
    const { problems } = parseManifests([policy('a', 64, 64), policy('b', 64, 64), policy('c', 2, 1)]);
    expect(problems).toEqual([expect.objectContaining({ file: 'shop-c.yaml', line: 7, path: 'spec.ingress[0]' })]);
    expect(problems[0]?.message).toMatch(
      /^the policies of namespace `shop` come to 8193 permissions .* at most 8192 fit/,
    );
  });

  test('counts pods for both families, and the exceptions of a block', () => {
    const rule = (from: string) => ({
      path: 'a.yaml',
      text: policy('a', 1, 64).text.replace('[{ ipBlock: { cidr: 10.0.0.0/8 } }]', `[${from}]`),
    });
    const block = `{ ipBlock: { cidr: 10.0.0.0/8, except: [${list(63, (n) => `10.0.${n}.0/24`)}] } }`;
    expect(parseManifests([rule(list(2, () => block))]).problems).toEqual([]);
    expect(parseManifests([rule(`${list(2, () => block)}, { podSelector: {} }`)]).problems).toMatchObject([
      { path: 'spec.ingress[0]', message: /come to 8320 permissions/ },
    ]);
  });
});

test('the ports of services of a namespace may be as many as a node holds, and no more', () => {
  const services = Array.from({ length: 64 }, (_, n) => service(`s${n}`, 64));
  expect(parseManifests(services).problems).toEqual([]);
  expect(parseManifests([...services, service('t', 1)]).problems).toMatchObject([
    { file: 'shop-t.yaml', line: 6, path: 'spec.ports', message: /4097 ports up to here; at most 4096 fit/ },
  ]);
});

test('namespaces are summed up only where they meet', () => {
  const files = [policy('a', 64, 64), policy('b', 64, 64), policy('c', 1, 1, 'other'), pod('shop')];
  const alone = parseManifests(files);
  expect(alone.problems).toEqual([]);
  expect(nodeTrafficProblems(alone.workloads, alone.resources)).toEqual([]);
  const { workloads, resources } = parseManifests([...files, pod('other')]);
  expect(nodeTrafficProblems(workloads, resources)).toMatchObject([
    { message: /the policies of this node come to 8193/ },
  ]);
});
