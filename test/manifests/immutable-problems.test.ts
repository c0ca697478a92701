import { describe, expect, test } from '@jest/globals';
import { immutableProblems, type LocatedResource, parseManifests } from '../../manifests/index.ts';
import { marked } from './marked-text.ts';

const MAP = `apiVersion: v1
kind: ConfigMap
metadata: { name: settings }
`;
const SECRET = `apiVersion: v1
kind: Secret
metadata: { name: login }
`;

function resources(text: string): readonly LocatedResource[] {
  const parsed = parseManifests([{ path: 'a.yaml', text }]);
  expect(parsed.problems).toEqual([]);
  return parsed.resources;
}

describe('what is immutable', () => {
  test.each([
    ['a value', MAP, 'data: { a: x, b: y }\nimmutable: true', 'data: { a: x, ▶b: z }\nimmutable: true', 'data.b'],
    [
      'a key more',
      MAP,
      'data: { a: x }\nimmutable: true',
      'data:\n  a: x\n  ▶b.conf: z\nimmutable: true',
      'data["b.conf"]',
    ],
    ['a key less', MAP, 'data: { a: x, b: y }\nimmutable: true', '▶data: { a: x }\nimmutable: true', 'data.b'],
    [
      'bytes',
      MAP,
      'binaryData: { a: AAEC }\nimmutable: true',
      'binaryData: { ▶a: AAED }\nimmutable: true',
      'binaryData.a',
    ],
    [
      'a password',
      SECRET,
      'stringData: { p: x }\nimmutable: true',
      'stringData: { ▶p: y }\nimmutable: true',
      'stringData.p',
    ],
    [
      'its encoding too',
      SECRET,
      'stringData: { p: x }\nimmutable: true',
      'data: { ▶p: eQ== }\nimmutable: true',
      'data.p',
    ],
    [
      'a type',
      SECRET,
      'type: a/b\nstringData: { p: x }\nimmutable: true',
      '▶type: a/c\nstringData: { p: x }\nimmutable: true',
      'type',
    ],
    ['that', MAP, 'data: { a: x }\nimmutable: true', 'data: { a: x }\n▶immutable: false', 'immutable'],
  ])('may not change %s', (_what, head, before, after, path) => {
    const { text, line, column } = marked(`${head}${after}\n`);
    expect(immutableProblems(resources(`${head}${before}\n`), resources(text))).toEqual([
      { file: 'a.yaml', line, column, path, message: expect.stringMatching(/^must stay as it is; .* is immutable/) },
    ]);
  });

  test('may lose the word only with a line to point at', () => {
    const [problem] = immutableProblems(
      resources(`${MAP}data: { a: x }\nimmutable: true\n`),
      resources(`${MAP}data: { a: x }\n`),
    );
    expect(problem).toMatchObject({ file: 'a.yaml', line: 1, path: 'immutable' });
  });

  test('has every change told, and no value', () => {
    const problems = immutableProblems(
      resources(`${SECRET}stringData: { p: old-secret, q: old-secret }\nimmutable: true\n`),
      resources(`${SECRET}stringData: { p: new-secret, q: new-secret }\n`),
    );
    expect(problems.map(({ path }) => path)).toEqual(['immutable', 'stringData.p', 'stringData.q']);
    expect(JSON.stringify(problems)).not.toContain('-secret');
  });

  test.each([
    ['stays', `${MAP}data: { a: x }\nimmutable: true\n`, `${MAP}immutable: true\nbinaryData: { a: eA== }\n`],
    [
      'gets new labels',
      `${MAP}data: { a: x }\nimmutable: true\n`,
      `${MAP.replace('settings }', 'settings, labels: { l: m } }')}data: { a: x }\nimmutable: true\n`,
    ],
    ['goes', `${MAP}data: { a: x }\nimmutable: true\n`, `${SECRET}stringData: { p: x }\n`],
    ['was not so before', `${MAP}data: { a: x }\n`, `${MAP}data: { a: y }\nimmutable: true\n`],
    [
      'has another kind',
      `${MAP}data: { a: x }\nimmutable: true\n`,
      `${SECRET.replace('login', 'settings')}stringData: { a: y }\n`,
    ],
    [
      'has another namespace',
      `${MAP}data: { a: x }\nimmutable: true\n`,
      `${MAP.replace('settings }', 'settings, namespace: b }')}data: { a: y }\n`,
    ],
  ])('is left alone when it %s', (_what, before, after) => {
    expect(immutableProblems(resources(before), resources(after))).toEqual([]);
  });
});
