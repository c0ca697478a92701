import { describe, expect, test } from '@jest/globals';
import * as z from 'zod';
import { readYaml, validate, type YamlDocument } from '../../manifests/index.ts';

const server = z.strictObject({ host: z.string(), port: z.int().min(1).max(10).multipleOf(2).default(2) });
const config = z.strictObject({
  servers: z.array(server).min(1),
  byName: z.record(z.string(), server).optional(),
  level: z.enum(['info', 'debug']).default('info'),
  address: z.union([z.number(), server]).optional(),
  site: z.url().optional(),
  nested: z.lazy(() => z.strictObject({ deep: z.boolean().nullable() })).optional(),
  names: z
    .record(z.string().regex(/^[a-z]+$/), z.string().min(1))
    .readonly()
    .optional(),
});

function documentOf(text: string): YamlDocument {
  const [document] = readYaml('holdfast.yaml', text).documents;
  if (!document) throw new Error('no document');
  return document;
}

describe('a document that fits', () => {
  test('gives what the schema makes of it', () => {
    expect(validate(config, documentOf('servers: [{ host: a }]'))).toEqual({
      value: { servers: [{ host: 'a', port: 2 }], level: 'info' },
      problems: [],
    });
  });

  test('gives nothing when it could not be read completely, for what was left out may be what matters', () => {
    const document = documentOf('servers: [{ host: a }]\nservers: []');
    expect(validate(config, document)).toEqual({ value: null, problems: [] });
  });
});

describe('a document that does not fit', () => {
  test.each<[string, number, number, string, string | RegExp]>([
    ['servers: []', 1, 1, 'servers', 'must have at least 1 entry'],
    ['level: info', 1, 1, 'servers', 'is required'],
    ['servers: [{ hots: a, host: b }]', 1, 13, 'servers[0].hots', 'unknown field `hots`, did you mean `host`?'],
    ['servers: [{ host: b, port: 3 }]', 1, 22, 'servers[0].port', 'must be a multiple of 2'],
    ['servers: [{ host: b, port: 12 }]', 1, 22, 'servers[0].port', 'must be at most 10'],
    ['servers: [{ host: b }]\nlevl: a', 2, 1, 'levl', 'unknown field `levl`, did you mean `level`?'],
    [
      'servers: [{ host: b }]\nlevel: inf',
      2,
      1,
      'level',
      'must be one of `info`, `debug`, not `inf`; did you mean `info`?',
    ],
    ['servers: [{ host: b }]\nlevel: 1', 2, 1, 'level', 'must be one of `info`, `debug`, not a number'],
    ['servers: [{ host: b }]\nbyName:\n  a.b: { hst: c, host: d }', 3, 10, 'byName["a.b"].hst', /did you mean `host`/],
    ['servers: [{ host: b }]\nnested:\n  deepp: true\n  deep: null', 3, 3, 'nested.deepp', /did you mean `deep`/],
    ['servers: [{ host: b }]\nsite: here', 2, 1, 'site', 'does not have the form of a URL'],
    ['servers: [{ host: b }]\naddress: here', 2, 1, 'address', 'has none of the accepted forms'],
    ['servers: [{ host: b }]\nnames: { A: a }', 2, 10, 'names.A', 'is not a valid key here; rename it'],
    ['servers: [{ host: b }]\nnames: { a: "" }', 2, 10, 'names.a', 'must have at least 1 character'],
    ['servers: { host: b }', 1, 1, 'servers', 'must be a list, not a map'],
    ['servers:', 1, 1, 'servers', 'is empty; write a value, or remove the field'],
  ])('%j', (text, line, column, path, message) => {
    const expected = typeof message === 'string' ? message : expect.stringMatching(message);
    expect(validate(config, documentOf(text))).toEqual({
      value: null,
      problems: [{ file: 'holdfast.yaml', line, column, path, message: expected }],
    });
  });

  test('gives all problems, in the order of the file', () => {
    const { problems } = validate(config, documentOf('x: 1\nlevel: no\ny: 2\nservers: [{ port: a }]'));
    expect(problems.map(({ line, path }) => [line, path])).toEqual([
      [1, 'x'],
      [2, 'level'],
      [3, 'y'],
      [4, 'servers[0].host'],
      [4, 'servers[0].port'],
    ]);
  });

  test('does not complain again about what could not be read', () => {
    const document = documentOf('servers: *all\nlevel: 1');
    expect(validate(config, document).problems.map(({ path }) => path)).toEqual(['level']);
  });

  test('does not repeat a value that may be a secret', () => {
    const secret = z.strictObject({
      token: z.string(),
      pattern: z.string().regex(/^a$/),
      port: z.number(),
      flag: z.boolean(),
    });
    const { problems } = validate(secret, documentOf('token: 424242\npattern: s3cr3t\nport: s3cr3t\nflag: s3cr3t'));
    expect(problems).toHaveLength(4);
    expect(JSON.stringify(problems)).not.toMatch(/424242|s3cr3t/);
  });

  test('keeps messages on one line and short', () => {
    const [problem] = validate(config, documentOf(`servers: [{ host: a }]\n"${'a\\nb'.repeat(100)}": 1`)).problems;
    expect(problem?.message).not.toContain('\n');
    expect(problem?.message.length).toBeLessThan(150);
  });
});
