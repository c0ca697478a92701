import { describe, expect, test } from '@jest/globals';
import { parseManifests } from '../../manifests/index.ts';
import { marked } from './marked-text.ts';

const text = (spec: string, name = 'front'): string =>
  `apiVersion: v1\nkind: Service\nmetadata: { name: ${name}, namespace: shop }\nspec: { ${spec} }`;
const read = (written: string) => parseManifests([{ path: 'service.yaml', text: written }]);

describe('a Service', () => {
  test.each<[string, object]>([
    ['ports: [{ port: 80 }]', { ports: [{ name: null, protocol: 'TCP', port: 80, targetPort: 80 }] }],
    [
      'ports: [{ name: web, port: 80, targetPort: http }, { name: dns, port: 53, targetPort: 5353, protocol: UDP }]',
      {
        ports: [
          { name: 'web', protocol: 'TCP', port: 80, targetPort: 'http' },
          { name: 'dns', protocol: 'UDP', port: 53, targetPort: 5353 },
        ],
      },
    ],
    ['clusterIP: None', { isHeadless: true, ports: [] }],
    ['clusterIP: None, publishNotReadyAddresses: true', { isHeadless: true, hasUnreadyPods: true }],
    ['type: ClusterIP, sessionAffinity: None, internalTrafficPolicy: Local, ports: [{ port: 1 }]', {}],
  ])('with %s', (spec, expected) => {
    const { resources, problems } = read(text(`selector: { app: web }, ${spec}`));
    expect(problems).toEqual([]);
    expect(resources.map(({ resource }) => resource)).toEqual([
      {
        ...{ kind: 'Service', namespace: 'shop', name: 'front', labels: {}, annotations: {} },
        ...{ selector: { app: 'web' }, isHeadless: false, hasUnreadyPods: false, ports: expect.anything() },
        ...expected,
      },
    ]);
  });

  test.each<[string, string, string | RegExp]>([
    ['▶selector: {}, ports: [{ port: 1 }]', 'spec.selector', /selects nothing/],
    ['selector: { a: b }, ▶ports: []', 'spec.ports', /at least one port/],
    ['selector: { a: b }, ports: [{ ▶port: 0 }]', 'spec.ports[0].port', 'must be at least 1'],
    ['selector: { a: b }, ports: [{ port: 1, ▶targetPort: 0 }]', 'spec.ports[0].targetPort', 'must be at least 1'],
    ['selector: { a: b }, ports: [{ port: 1, ▶protocol: SCTP }]', 'spec.ports[0].protocol', /must be one of/],
    ['selector: { a: b }, ports: [{ port: 1, ▶nodePort: 30000 }]', 'spec.ports[0].nodePort', /not supported yet/],
    ['selector: { a: b }, ports: [{ name: a, port: 1 }, ▶{ port: 2 }]', 'spec.ports[1]', /needs a `name`/],
    ['selector: { a: b }, ports: [{ name: a, port: 1 }, { name: b, ▶port: 1 }]', 'spec.ports[1].port', /used twice/],
    ['selector: { a: b }, ports: [{ name: a, port: 1 }, { ▶name: a, port: 2 }]', 'spec.ports[1].name', /used twice/],
    ['selector: { a: b }, ports: [{ port: 1 }], ▶type: NodePort', 'spec.type', /published by `hostPort`/],
    ['selector: { a: b }, ports: [{ port: 1 }], ▶type: ExternalName', 'spec.type', /must be `ClusterIP`/],
    ['selector: { a: b }, ports: [{ port: 1 }], ▶clusterIP: 10.0.0.1', 'spec.clusterIP', /node chooses/],
    ['selector: { a: b }, ports: [{ port: 1 }], ▶sessionAffinity: ClientIP', 'spec.sessionAffinity', /must be `None`/],
    ['selector: { a: b }, ports: [{ port: 1 }], ▶externalName: a', 'spec.externalName', /not supported yet/],
  ])('cannot say %s', (spec, path, message) => {
    const { text: plain, line, column } = marked(text(spec));
    expect(read(plain).problems).toEqual([
      {
        ...{ file: 'service.yaml', line, column, path },
        message: typeof message === 'string' ? message : expect.stringMatching(message),
      },
    ]);
  });

  test('has a host name for a name', () => {
    expect(read(text('selector: { a: b }, ports: [{ port: 1 }]', '"a b"')).problems).toMatchObject([
      { path: 'metadata.name' },
    ]);
  });
});
