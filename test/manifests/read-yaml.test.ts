import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readYaml } from '../../manifests/index.ts';
import { holds } from './holds.ts';
import { marked } from './marked-text.ts';

describe('what is not read', () => {
  test.each<[string, string, RegExp]>([
    ['a:\n▶\tb: 1', '', /tab cannot indent/],
    ['a: ▶b: c', '', /quote it/],
    ['a: ▶@b', '', /put it in quotes$/],
    ['a: "▶\\q"', '', /single quotes$/],
    ['a: "x▶', '', /closing "quote/],
    ['a: [1, 2▶', '', /end with a \]$/],
    ['a: |\n  x\n▶ y: 1', '', /same column/],
    ['▶%YAML 1.1\n---\na: yes', '', /directives/],
    ['▶%TAG ! tag:x,2000:\n---\na: 1', '', /directives/],
    ['a: 1\n▶a: 2', 'a', /^field `a` is written twice, first on line 1; keep one$/],
    ['a: { "b": 1, ▶b: 2 }', 'a.b', /written twice/],
    ['a: 1\n▶<<: { b: 1 }', '', /merge keys/],
    ['▶a: &x 1', 'a', /anchors/],
    ['a: [&x ▶{ b: 1 }]', 'a[0]', /anchors/],
    ['▶a: *x', 'a', /aliases/],
    ['▶a: !!str 5', 'a', /tags such as `tag:yaml.org,2002:str`/],
    ['▶a: !secret { b: 1 }', 'a', /tags such as `!secret`/],
    ['▶1: a', '', /^a key must be text; put it in quotes$/],
    ['a: { ▶null: a }', 'a', /^a key must be text/],
    ['? ▶[a]\n: b', '', /^a key must be plain text$/],
    ['a: { ▶__proto__: 1 }', 'a', /__proto__/],
    ['▶a: 0755', 'a', /leading zero/],
    ['▶a: -007.5', 'a', /leading zero/],
    ['▶a: 9007199254740993', 'a', /too large to be an exact number/],
    ['▶a: .inf', 'a', /finite/],
    ['▶a: .nan', 'a', /finite/],
    ['▶a: "x\\0y"', 'a', /NUL/],
    ['▶a: "\\uD800"', 'a', /surrogate/],
    ['▶"a\\0": 1', '', /NUL/],
  ])('%j', (text, path, message) => {
    const { text: plain, line, column } = marked(text);
    const { problems } = readYaml('a.yaml', plain);
    expect(problems).toEqual([{ file: 'a.yaml', line, column, path, message: expect.stringMatching(message) }]);
  });

  test('a merge key is refused in quotes too', () => {
    expect(readYaml('a.yaml', '"<<": { a: 1 }').problems).toHaveLength(1);
  });

  test('one document with a syntax error leaves the others', () => {
    const { documents, problems } = readYaml('a.yaml', 'a: 1\n---\nb: [\n---\nc: 1');
    expect(documents.map(({ value }) => value)).toEqual([{ a: 1 }, { c: 1 }]);
    expect(problems).not.toEqual([]);
  });

  test('what could not be read is left out and marked, all of it at once', () => {
    const { documents, problems } = readYaml('a.yaml', 'a: *x\nb: 1\nc: [0777, 2]\nb: 2');
    expect(documents).toMatchObject([{ value: { b: 1, c: [null, 2] }, flawed: ['a', 'c[0]', 'b'] }]);
    expect(problems.map(({ line }) => line)).toEqual([1, 3, 4]);
  });
});

describe('limits', () => {
  test('a file of 1 MiB, counted in bytes', () => {
    const comment = (length: number): string => `a: 1 #${'é'.repeat(length)}`;
    const most = (1024 * 1024 - 6) / 2;
    expect(readYaml('a.yaml', comment(most)).problems).toEqual([]);
    expect(readYaml('a.yaml', comment(most + 1)).problems).toMatchObject(
      [{ line: 1, column: 1, message: /1 MiB/ }].map(matching),
    );
    expect(readYaml('a.yaml', 'a'.repeat(10_000_000)).problems).toHaveLength(1);
  });

  test('1,000 documents', () => {
    expect(readYaml('a.yaml', '---\na: 1\n'.repeat(1000)).documents).toHaveLength(1000);
    const { documents, problems } = readYaml('a.yaml', '---\na: 1\n'.repeat(1500));
    expect(documents).toHaveLength(1000);
    expect(problems).toMatchObject([{ line: 2001, message: /1000 documents/ }].map(matching));
  });

  test.each([
    ['lists', (levels: number) => '['.repeat(levels) + ']'.repeat(levels)],
    ['maps', (levels: number) => '{ a: '.repeat(levels) + '}'.repeat(levels)],
    ['dashes', (levels: number) => `${'- '.repeat(levels)}a`],
    ['keys', (levels: number) => `${'? '.repeat(levels)}a`],
  ])('64 levels of %s', (_, nested) => {
    expect(readYaml('a.yaml', nested(64)).problems.filter(({ message }) => /levels/.test(message))).toEqual([]);
    expect(readYaml('a.yaml', nested(65)).problems).toMatchObject([{ message: /64 levels/ }].map(matching));
    expect(readYaml('a.yaml', nested(5_000)).problems).toMatchObject([{ message: /64 levels/ }].map(matching));
  });

  test('a map of 20,000 keys', () => {
    const text = Array.from({ length: 20_000 }, (_, index) => `k${index}: 1`).join('\n');
    expect(Object.keys(readYaml('a.yaml', text).documents[0]?.value as object)).toHaveLength(20_000);
  });
});

describe('what is read', () => {
  test('YAML 1.2, not 1.1', () => {
    const text = 'a: yes\nb: True\nc: 12:30:00\nd: 0o17\ne: 0x1F\nf: 1e3\ng: ~\nh: "1"\ni: 2001-01-01\nj: =';
    expect(readYaml('a.yaml', text)).toMatchObject({
      documents: [
        {
          value: { a: 'yes', b: true, c: '12:30:00', d: 15, e: 31, f: 1000, g: null, h: '1', i: '2001-01-01', j: '=' },
        },
      ],
      problems: [],
    });
  });

  test('positions of every field: the key, or the list item', () => {
    const { documents } = readYaml('a.yaml', '# first\nspec:\n  list:\n    - name: a\n      "x/y": 1\n    - [b]\n');
    expect(documents[0]?.positions).toEqual({
      '': { line: 2, column: 1 },
      spec: { line: 2, column: 1 },
      'spec.list': { line: 3, column: 3 },
      'spec.list[0]': { line: 4, column: 7 },
      'spec.list[0].name': { line: 4, column: 7 },
      'spec.list[0]["x/y"]': { line: 5, column: 7 },
      'spec.list[1]': { line: 6, column: 7 },
      'spec.list[1][0]': { line: 6, column: 8 },
    });
  });

  test('positions after a byte order mark and with carriage returns', () => {
    const { documents, problems } = readYaml('a.yaml', '\ufeffa: 1\r\nb:\r\n  c: 2\r\n');
    expect(problems).toEqual([]);
    expect(documents[0]?.positions['b.c']).toEqual({ line: 3, column: 3 });
  });

  test.each(['', '# nothing\n', '---\n', '---\n---\n# a\n---\n', '\n\n...\n'])('%j as no document', (text) => {
    expect(readYaml('a.yaml', text)).toEqual({ documents: [], problems: [] });
  });
});

describe('JSON files', () => {
  test('are read as what JSON.parse reads', () => {
    holds(
      fc.property(fc.json({ maxDepth: 5 }), (text) => {
        const { documents, problems } = readYaml('a.json', text);
        if (problems.length === 0) expect(documents[0]?.value).toEqual(JSON.parse(text));
      }),
    );
  });

  test('may be indented with tabs', () => {
    const value = { a: [{ b: 'c' }], d: {} };
    expect(readYaml('a.json', JSON.stringify(value, null, '\t'))).toMatchObject({
      documents: [{ value }],
      problems: [],
    });
  });

  test.each(['a: 1', "{ 'a': 1 }", '{ "a": 1, }', '{ "a": 01 }', '{} # a', ''])('must be JSON: %j', (text) => {
    expect(readYaml('a.json', text)).toMatchObject({
      documents: [],
      problems: [{ message: expect.stringMatching(/^not valid JSON;/) }],
    });
  });

  test('are not quoted in the message', () => {
    const [problem] = readYaml('a.json', '{ "password": "hunter2" "a": 1 }').problems;
    expect(problem?.message).not.toContain('hunter2');
  });
});

describe('any text', () => {
  const fragments = fc.constantFrom(
    ...[
      'a',
      ': ',
      '- ',
      '? ',
      '\n',
      '  ',
      '\t',
      '[',
      ']',
      '{',
      '}',
      ',',
      '&a ',
      '*a',
      '!t ',
      '!!str ',
      '<<',
      '|\n',
      '>-\n',
    ],
    ...['"', "'", '#', '%', '---\n', '...\n', '0', '1', '~', '\\', '\u0000', '\ufeff', '\r', 'é', '\ud800', '=', '@'],
  );

  test('gives documents or problems, within the text, and throws nothing', () => {
    holds(
      fc.property(
        fc.oneof(
          fc.array(fragments, { maxLength: 40 }).map((parts) => parts.join('')),
          fc.string({ unit: 'binary' }),
        ),
        (text) => {
          const { documents, problems } = readYaml('a.yaml', text);
          const lines = text.split('\n').length + text.split('\r').length;
          for (const { line, column } of [
            ...problems,
            ...documents.flatMap(({ positions }) => Object.values(positions)),
          ]) {
            expect(line).toBeGreaterThanOrEqual(1);
            expect(line).toBeLessThanOrEqual(lines);
            expect(column).toBeGreaterThanOrEqual(1);
          }
        },
      ),
      400,
    );
  });
});

function matching<Fields extends { readonly message: RegExp }>(fields: Fields): object {
  return { ...fields, message: expect.stringMatching(fields.message) };
}
