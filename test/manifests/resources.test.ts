import { inspect } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { KeyedValues, parseManifests, type Resource, resourceKey } from '../../manifests/index.ts';
import { podText } from './manifest-texts.ts';
import { marked } from './marked-text.ts';

function resourceOf(text: string): Resource {
  const { resources, problems } = parseManifests([{ path: 'a.yaml', text }]);
  expect(problems).toEqual([]);
  expect(resources).toHaveLength(1);
  return resources[0]?.resource as Resource;
}

function textsOf(resource: Resource): Record<string, string> {
  if (!('values' in resource)) throw new Error('it has no values');
  const decode = (key: string): string => new TextDecoder().decode(resource.values.get(key));
  return Object.fromEntries(resource.values.keys.map((key) => [key, decode(key)]));
}

const head = (kind: string): string => `apiVersion: v1\nkind: ${kind}\nmetadata: { name: a.b }\n`;
const claim = (spec: string, metadata = ''): string =>
  `apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: { name: data${metadata} }\nspec: { ${spec} }`;
const SIZE = 'resources: { requests: { storage: 1Gi } }';

describe('a ConfigMap', () => {
  test('has texts and bytes by key', () => {
    const map = resourceOf(
      `${head('ConfigMap')}data: { b: text, a: "" }\nbinaryData: { c: AAEC/w== }\nimmutable: true`,
    );
    expect(map).toMatchObject({ kind: 'ConfigMap', namespace: 'default', name: 'a.b', isImmutable: true });
    const values = 'values' in map ? map.values : new KeyedValues([]);
    expect(values.keys).toEqual(['a', 'b', 'c']);
    expect(values.get('c')).toEqual(Uint8Array.of(0, 1, 2, 255));
    expect(values.get('d')).toBeUndefined();
  });

  test('may hold nothing', () => {
    expect(textsOf(resourceOf(head('ConfigMap')))).toEqual({});
  });
});

describe('a Secret', () => {
  const text = `${head('Secret')}type: kubernetes.io/basic-auth\ndata: { a: b2xk, b: YmJi }\nstringData: { a: hush-hush }`;

  test('has its stringData over its data', () => {
    expect(resourceOf(text)).toMatchObject({ kind: 'Secret', type: 'kubernetes.io/basic-auth', isImmutable: false });
    expect(textsOf(resourceOf(text))).toEqual({ a: 'hush-hush', b: 'bbb' });
  });

  test('shows its values in no print of it', () => {
    const secret = resourceOf(text);
    const bytes = [...new TextEncoder().encode('hush-hush')].slice(0, 4).join(', ');
    for (const print of [JSON.stringify(secret), inspect(secret, { depth: 9, showHidden: true }), String(secret)]) {
      expect(print).not.toContain('hush');
      expect(print).not.toContain(bytes);
    }
    expect(JSON.stringify(secret)).toContain('"keys":["a","b"]');
  });

  test('is equal to one with the same values only', () => {
    const values = (entries: Record<string, string>): KeyedValues =>
      new KeyedValues(Object.entries(entries).map(([key, value]) => [key, new TextEncoder().encode(value)]));
    expect(values({ a: 'b', c: 'd' }).equals(values({ c: 'd', a: 'b' }))).toBe(true);
    for (const other of [{ a: 'b' }, { a: 'b', c: 'e' }, { a: 'b', d: 'd' }, { a: 'b', c: 'dd' }])
      expect(values({ a: 'b', c: 'd' }).equals(values(other as Record<string, string>))).toBe(false);
  });
});

describe('a PersistentVolumeClaim', () => {
  test('is kept when it leaves Git, unless it says otherwise', () => {
    expect(resourceOf(claim(`accessModes: [ReadWriteOnce], ${SIZE}`))).toMatchObject({
      kind: 'PersistentVolumeClaim',
      isForOnePod: false,
      storageBytes: 1024 ** 3,
      reclaimPolicy: 'Retain',
    });
    const annotation = ', annotations: { holdfast.dev/reclaim-policy: Delete }';
    const spec = `accessModes: [ReadWriteOncePod], ${SIZE}, storageClassName: node-local, volumeMode: Filesystem`;
    expect(resourceOf(claim(spec, annotation))).toMatchObject({ isForOnePod: true, reclaimPolicy: 'Delete' });
  });
});

describe('a problem of a resource', () => {
  test.each<[string, string, string | RegExp]>([
    [`${head('ConfigMap')}data: { ▶"a/b": c }`, 'data["a/b"]', /^key must be letters/],
    [`${head('ConfigMap')}data: { ▶..a: c }`, 'data["..a"]', /^key must be letters/],
    [`${head('ConfigMap')}data: { ▶a: 1 }`, 'data.a', /put it in quotes/],
    [`${head('ConfigMap')}data: { a: b }\nbinaryData: { ▶a: YQ== }`, 'binaryData.a', /is in `data` too/],
    [`${head('ConfigMap')}binaryData: { ▶a: YQ }`, 'binaryData.a', /is not base64/],
    [`${head('ConfigMap')}▶stringData: {}`, 'stringData', /unknown field/],
    [`${head('Secret')}data: { ▶a: hush-hush }`, 'data.a', 'is not base64 (RFC 4648); encode it, or write it as text'],
    [
      `▶apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\ndata: { a: ${'b'.repeat(700_000)}, b: ${'b'.repeat(348_577)} }`,
      '',
      /1 MiB/,
    ],
    [`apiVersion: v1\nkind: ConfigMap\nmetadata: { ▶name: A }`, 'metadata.name', /must be lower-case/],
    [claim(`▶accessModes: [], ${SIZE}`), 'spec.accessModes', /1 entry/],
    [claim(`accessModes: [▶ReadWriteMany], ${SIZE}`), 'spec.accessModes[0]', /one node cannot be shared/],
    [claim(`accessModes: [▶Any], ${SIZE}`), 'spec.accessModes[0]', /must be one of/],
    [
      claim('accessModes: [ReadWriteOnce], resources: { requests: { ▶storage: 0 } }'),
      'spec.resources.requests.storage',
      /more than zero/,
    ],
    [claim(`accessModes: [ReadWriteOnce], ${SIZE}, ▶storageClassName: fast`), 'spec.storageClassName', /`node-local`/],
    [claim(`accessModes: [ReadWriteOnce], ${SIZE}, ▶volumeName: a`), 'spec.volumeName', /not supported yet/],
    [claim(`accessModes: [ReadWriteOnce], ${SIZE}, ▶volumeMode: Block`), 'spec.volumeMode', /`Filesystem`/],
    [
      claim(`accessModes: [ReadWriteOnce], ${SIZE}`, ', annotations: { ▶holdfast.dev/reclaim-policy: Keep }'),
      'metadata.annotations["holdfast.dev/reclaim-policy"]',
      'must be `Retain` or `Delete`',
    ],
  ])('%.60s', (markedText, path, message) => {
    const { text, line, column } = marked(markedText);
    const { problems } = parseManifests([{ path: 'a.yaml', text }]);
    expect(problems).toEqual([
      {
        file: 'a.yaml',
        line,
        column,
        path,
        message: typeof message === 'string' ? message : expect.stringMatching(message),
      },
    ]);
    expect(JSON.stringify(problems)).not.toContain('hush');
  });

  test('a name may be used once by each kind', () => {
    const text = [head('ConfigMap'), head('Secret'), podText(), head('ConfigMap')].join('\n---\n');
    const { resources, problems } = parseManifests([{ path: 'a.yaml', text }]);
    expect(resources.map(({ resource }) => resourceKey(resource))).toEqual([
      'ConfigMap default/a.b',
      'ConfigMap default/a.b',
      'Secret default/a.b',
    ]);
    expect(problems).toMatchObject([{ path: 'metadata.name' }]);
    expect(problems[0]?.message).toContain('ConfigMap `default/a.b` is already defined in a.yaml:3');
  });
});
