import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { BUILTINS } from '../../../policies/engine/builtins/index.ts';
import { ask } from './opa-answers.ts';

const calls = (name: string, operands: readonly string[]): readonly string[] =>
  operands.map((list) => `${name}(${list})`);
const texts = (values: readonly string[]): readonly string[] => values.map((value) => JSON.stringify(value));
/** Each of the one with each of the other. */
const pairs = (a: readonly string[], b: readonly string[]): readonly string[] =>
  a.flatMap((one) => b.map((other) => `${one}, ${other}`));

const AMOUNTS = texts([
  ...[
    '1',
    '1.5',
    '.5',
    '1.',
    '100m',
    '0.5',
    '10K',
    '10k',
    '1Ki',
    '1ki',
    '1KI',
    '1.5Gi',
    '2G',
    '1M',
    '1m',
    '1mi',
    '1Mi',
  ],
  ...['1MiB', '1MB', '1b', '1B', '5E', '5e', '1e3', '1E3', '1e3Ki', '', 'abc', '1 Gi', '-5', '+5', '1Pi', '3T', '"10"'],
  ...['1.2.3Gi', '128974848', '0', '0.0001', '123456789012345678', '9223372036854775808', '1.0000000001K', 'Ki', '--1'],
]);
const VERSIONS = texts([
  ...['1.2.3', '1.10.0', '1.0.0-alpha', '1.0.0', '1.0.0-alpha.1', '1.0.0-alpha.beta', '1.0', 'v1.0.0', '1.0.0+x'],
  ...['1.0.0-1', '1.0.0-2', '1.0.0-10', '01.0.0', ''],
]);
const RANGES = texts([
  ...[
    '10.0.0.0/8',
    '10.1.2.3/16',
    '0.0.0.0/0',
    '10.0.0.0/33',
    '10.0.0.0',
    '10.0.0/8',
    '10.0.0.0/08',
    '::/0',
    '::1/128',
  ],
  ...['fe80::1/64', '2001:db8::/32', '2001:DB8:0:0:1::/80', '::ffff:1.2.3.4/128', 'fe80::1%eth0/64', 'x', ''],
]);
const MOMENTS = [
  '0',
  '1704164645123456789',
  '-1',
  '-62135596800000000000',
  '253402300799999999999',
  '9223372036854775807',
];
const ZONES = texts(['UTC', '', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Nowhere/Town']);
const LAYOUTS = texts([
  ...['RFC3339', 'RFC1123', 'RFC822Z', 'ANSIC', 'Kitchen', 'UnixDate', '2006-01-02', 'Monday, 2 January 2006'],
  ...['03:04:05.000 PM', '3:4:5.999 pm', '_2 Jan 06 002 __2', '15h04', 'Z07 Z0700 -07:00:00 -07', 'no pieces'],
]);
/** A name of a group as Go's templates write it. */
const BRACED = ['$', '{x}'].join('');
const PATTERNS = [
  '`o`',
  '`o+`',
  '`(o+)`',
  '`(?P<x>o)(o)?`',
  '``',
  '`x*`',
  '`[[:alpha:]]+`',
  '`(?i)F`',
  '`\\bb`',
  '`(`',
  '`a(?=b)`',
];
const SUBJECTS = texts(['foo boo', 'xyz', '', 'ooo', 'é foo é', 'FfF']);

const TABLE: Readonly<Record<string, readonly string[]>> = {
  'units.parse': AMOUNTS,
  'units.parse_bytes': AMOUNTS,
  'semver.is_valid': VERSIONS,
  'semver.compare': pairs(VERSIONS, VERSIONS),
  'strings.any_prefix_match': [
    ...pairs(['"abc"', '["x", "abc"]', '{"q", "abc"}', '[]'], ['"ab"', '["q", "ab"]', '{"z"}', '[]', '""']),
  ],
  'strings.any_suffix_match': pairs(['"abc"', '["x", "abc"]', '{"q", "abc"}'], ['"bc"', '["q", "bc"]', '{"z"}', '[]']),
  'strings.count': pairs(texts(['cheese', 'aaa', '', 'ééé']), texts(['e', 'aa', '', 'é'])),
  indexof_n: pairs(texts(['abcabc', 'é1é', 'aaa', '']), texts(['bc', 'é', 'aa', 'z'])),
  trace: ['"x"'],
  'numbers.range_step': ['1, 10, 3', '10, 1, 3', '1, 1, 1', '1, 10, 0', '1, 10, -1', '1.5, 3, 1', '0, 4, 2'],
  'hex.encode': texts(['hé', '']),
  'hex.decode': texts(['6869', 'zz', '686', '']),
  'base64url.encode_no_pad': texts(['a?>~', 'é', '']),
  'urlquery.encode': texts(["a b&c=d/é'()*!~-_.", '']),
  'urlquery.decode': texts(['a+b%26c', '%zz', '%', 'é', '%C3%A9']),
  'urlquery.encode_object': ['{"a": "1", "b": ["x", "y z"], "c": {"p", "q"}}', '{}', '{"a": ""}'],
  'urlquery.decode_object': texts(['a=1&b=x&b=y+z', '', 'a', 'a=%zz', 'a=1;b=2', '=x', 'a=b=c']),
  'json.marshal_with_options': [
    '{"b": [1, {"c": {}}], "a": "<é>"}, {"pretty": true}',
    '{"b": [1, []], "a": {2, 1}}, {"pretty": true, "indent": "  ", "prefix": ">"}',
    '{"b": [1], "a": 2}, {"pretty": false}',
    '{"b": [1], "a": 2}, {"indent": " "}',
    '[1, "x"], {}',
  ],
  'yaml.is_valid': texts(['a: 1', 'a: [', '', 'a: 1\na: 2', '- x\n- y', '"x']),
  'yaml.unmarshal': texts([
    ...[
      'a: 1\nb: [x, 1.5, true, ~]',
      'a: yes\nb: off\nc: 0x1f\nd: 017\ne: 1_000',
      '- 1\n- {x: y}',
      'a: |\n  b\n  c\n',
      '',
    ],
    ...['1: a\ntrue: b', 'a: &x [1]\nb: *x', 'a: "é"', 'a: 2024-01-01', 'x: {<<: {a: 1}, b: 2}', 'a: [', 'null'],
  ]),
  'yaml.marshal': ['{"b": [1, {"c": "x"}], "a": "y"}', '[1, "a", null, true, 1.5]', '"x"', '{}', '{"a": {}, "b": []}'],
  'json.patch': [
    '{"a": {"b": 1}}, [{"op": "add", "path": "/a/c", "value": 2}]',
    '{"a": [1, 2]}, [{"op": "remove", "path": "a/0"}]',
    '{"a": [1, 2]}, [{"op": "add", "path": ["a", "-"], "value": 3}]',
    '{"a": [1, 2]}, [{"op": "add", "path": "/a/1", "value": 3}]',
    '{"a": 1}, [{"op": "replace", "path": "/b", "value": 2}]',
    '{"a": 1}, [{"op": "replace", "path": "/a", "value": null}]',
    '{"a": 1}, [{"op": "move", "from": "a", "path": "b"}]',
    '{"a": 1}, [{"op": "test", "path": "a", "value": 2}]',
    '{"a": 1}, [{"op": "test", "path": "a", "value": 1}, {"op": "remove", "path": "/a"}]',
    '{"a": 1}, [{"op": "copy", "from": "a", "path": "b"}]',
    '{"a": {}}, [{"op": "add", "path": "a/x/y", "value": 1}]',
    '{"a/b": 1, "c~d": 2}, [{"op": "replace", "path": "a~1b", "value": 5}, {"op": "remove", "path": "/c~0d"}]',
    '{"a": {1, 2}}, [{"op": "add", "path": ["a", 3], "value": 3}]',
    '{"a": {1, 2}}, [{"op": "remove", "path": ["a", 1]}]',
    '{"a": [1]}, [{"op": "replace", "path": "/a/1", "value": 2}]',
    '{"a": 1}, [{"op": "wrong", "path": "/a"}]',
    '{"a": 1}, []',
    '{"a": 1}, [{"op": "add", "path": "", "value": 5}]',
  ],
  'object.subset': [
    '{"a": 1, "b": {"c": 2, "d": 3}}, {"b": {"c": 2}}',
    '{"a": 1}, {"a": 2}',
    '{"a": 1}, {}',
    '{"a": [1, 2, 3]}, {"a": [2, 3]}',
    '[1, 2, 3], [2, 3]',
    '[1, 2, 3], [1, 3]',
    '[1, 2, 3], []',
    '[1, 2, 3], {1, 3}',
    '{1, 2, 3}, {1, 3}',
    '{1, 2}, {4}',
    '{"a": {"x", "y"}}, {"a": {"x"}}',
  ],
  'graph.reachable_paths': [
    '{"a": ["b", "c"], "b": ["d"], "c": ["d"], "d": []}, ["a"]',
    '{"a": {"b"}, "b": {"a"}}, {"a"}',
    '{"a": ["b", "z"], "b": []}, ["a", "q"]',
    '{"a": []}, []',
  ],
  'regex.split': pairs(PATTERNS, SUBJECTS),
  'regex.replace': SUBJECTS.flatMap((subject) =>
    PATTERNS.flatMap((pattern) =>
      texts(['<$1>', BRACED, '$$', '$9', 'é']).map((value) => `${subject}, ${pattern}, ${value}`),
    ),
  ),
  'regex.find_n': PATTERNS.flatMap((pattern) =>
    SUBJECTS.flatMap((subject) => ['-1', '0', '1', '2'].map((n) => `${pattern}, ${subject}, ${n}`)),
  ),
  'regex.template_match': [
    '"urn:foo:{.*}", "urn:foo:bar:baz", "{", "}"',
    '"urn:foo:{.*}", "urn:bar", "{", "}"',
    '"urn.foo:<[a-z]+>:x", "urn.foo:abc:x", "<", ">"',
    '"urn.foo", "urnxfoo", "{", "}"',
    '"{a{2}}", "aa", "{", "}"',
  ],
  'glob.quote_meta': texts(['*.github.com', '[a]{b}?\\', 'plain']),
  'crypto.md5': texts(['abc']),
  'crypto.sha1': texts(['abc']),
  'crypto.sha256': texts(['é']),
  'crypto.hmac.md5': ['"abc", "key"'],
  'crypto.hmac.sha1': ['"abc", "key"'],
  'crypto.hmac.sha256': ['"abc", "key"'],
  'crypto.hmac.sha512': ['"abc", "key"'],
  'crypto.hmac.equal': ['"abc", "abc"', '"abc", "abd"', '"abc", "ab"'],
  'net.cidr_is_valid': RANGES,
  'net.cidr_expand': texts(['10.0.0.1/30', '10.0.0.255/32', '2001:db8::ff/126', '::/127', '10.0.0.0/99']),
  'net.cidr_merge': [
    '["192.0.128.0/24", "192.0.129.0/24"]',
    '["10.0.0.0/8", "10.1.0.0/16", "11.0.0.0/8"]',
    '{"::/1", "8000::/1"}',
    '["10.0.0.1", "10.0.0.0"]',
    '["10.0.0.3/32", "10.0.0.4/31", "fe80::/64"]',
    '[]',
    '["x"]',
  ],
  'net.cidr_contains_matches': [
    '"10.0.0.0/8", "10.1.2.3"',
    '["10.0.0.0/8", "192.168.0.0/16"], ["10.1.0.0/16", "192.168.1.1", "8.8.8.8"]',
    '{"a": "10.0.0.0/8"}, {"10.0.0.1", "11.0.0.1"}',
    '[["10.0.0.0/8", "lab"]], "10.1.2.3"',
    '"10.0.0.0/8", "x"',
  ],
  'time.parse_rfc3339_ns': texts([
    ...[
      '2024-01-02T03:04:05Z',
      '2024-01-02T03:04:05+02:00',
      '2024-01-02T03:04:05.123456789Z',
      '2024-02-30T00:00:00Z',
      'nope',
    ],
    ...['2024-01-02T24:00:00Z', '2024-01-02 03:04:05Z', '1500-01-01T00:00:00Z', '2024-02-29T23:59:59.9-11:30', ''],
  ]),
  'time.parse_ns': [
    '"2006-01-02", "2024-03-01"',
    '"RFC1123", "Tue, 02 Jan 2024 03:04:05 UTC"',
    '"02 Jan 06 15:04 -0700", "02 Jan 24 03:04 +0530"',
    '"3:04PM", "9:15PM"',
    '"Jan _2 2006", "Feb  3 2024"',
    '"2006-01-02 15:04:05", "2024-01-02 03:04:05.25"',
    '"2006-01-02", "2024-13-01"',
    '"2006-01-02", "x"',
  ],
  'time.parse_duration_ns': texts([
    '1h2m3s',
    '-1.5h',
    '100ms',
    '1us',
    '5',
    '0',
    '',
    '1d',
    '1h 2m',
    '.5s',
    '1.0000000001s',
    '300000h',
  ]),
  'time.format': [
    ...MOMENTS,
    ...pairs(MOMENTS, ZONES).map((list) => `[${list}]`),
    ...LAYOUTS.flatMap((layout) =>
      ['1704164645123456789', '1720000000000000000'].map((ns) => `[${ns}, "America/New_York", ${layout}]`),
    ),
  ],
  'time.date': [...MOMENTS, ...pairs(MOMENTS, ZONES).map((list) => `[${list}]`)],
  'time.clock': [...MOMENTS, ...pairs(MOMENTS, ZONES).map((list) => `[${list}]`)],
  'time.weekday': [...MOMENTS, ...pairs(MOMENTS, ZONES).map((list) => `[${list}]`)],
  'time.add_date': [
    '1704164645123456789, 1, 2, 3',
    '1706659200000000000, 0, 1, 0',
    '0, -1, 0, 0',
    '0, 0, 13, 400',
    '0, 1000, 0, 0',
  ],
  'time.diff': [
    ...pairs(MOMENTS.slice(0, 3), MOMENTS.slice(0, 3)),
    '1706659200000000000, 1709251199000000000',
    '[1704164645123456789, "Asia/Kolkata"], 0',
    '0, [1704164645123456789, "America/New_York"]',
  ],
  ...tokens(),
};

function tokens(): Readonly<Record<string, readonly string[]>> {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const curves = { '256': 'prime256v1', '384': 'secp384r1', '512': 'secp521r1' };
  const body = (alg: string): string =>
    [
      { alg, typ: 'JWT' },
      { sub: 'é', n: 12345678901234 },
    ]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.');
  const pem = (key: KeyObject): string => JSON.stringify(key.export({ type: 'spki', format: 'pem' }));
  const set = (key: KeyObject): string => JSON.stringify(JSON.stringify({ keys: [key.export({ format: 'jwk' })] }));
  const table: Record<string, string[]> = { 'io.jwt.decode': texts(['a.b.c', 'a.b', '', '..']) as string[] };
  for (const [bits, namedCurve] of Object.entries(curves)) {
    const ec = generateKeyPairSync('ec', { namedCurve });
    const hash = `sha${bits}`;
    const signed = (alg: string, signature: (data: Buffer) => Buffer): string => {
      const data = body(alg);
      return JSON.stringify(`${data}.${signature(Buffer.from(data)).toString('base64url')}`);
    };
    const byFamily = {
      RS: [signed(`RS${bits}`, (data) => sign(hash, data, rsa.privateKey)), rsa.publicKey],
      PS: [
        signed(`PS${bits}`, (data) => sign(hash, data, { key: rsa.privateKey, padding: 6, saltLength: -1 })),
        rsa.publicKey,
      ],
      ES: [
        signed(`ES${bits}`, (data) => sign(hash, data, { key: ec.privateKey, dsaEncoding: 'ieee-p1363' })),
        ec.publicKey,
      ],
    } as const;
    for (const [family, [token, key]] of Object.entries(byFamily)) {
      const name = `io.jwt.verify_${family.toLowerCase()}${bits}`;
      const other = family === 'ES' ? rsa.publicKey : ec.publicKey;
      table[name] = [
        `${token}, ${pem(key)}`,
        `${token}, ${set(key)}`,
        `${body(family)}.AAAA"`,
        `${token}, ${pem(other)}`,
      ]
        .filter((list) => list.includes(', '))
        .concat(`"${body('none')}.AAAA", ${pem(key)}`, `"x", ${pem(key)}`);
      table['io.jwt.decode']?.push(token);
    }
    const secret = signed(`HS${bits}`, (data) => createHmac(hash, 'secret').update(data).digest());
    table[`io.jwt.verify_hs${bits}`] = [`${secret}, "secret"`, `${secret}, "other"`, `"x", "secret"`];
    table['io.jwt.decode']?.push(secret);
  }
  return table;
}

/** Their order is told by no evaluator's answer in JSON. */
const SETS = ['graph.reachable_paths', 'net.cidr_contains_matches', 'net.cidr_expand', 'net.cidr_merge'];
const NAMES = Object.keys(BUILTINS).filter((name) => name !== 'sprintf');
const EXPRESSIONS = NAMES.map((name) =>
  calls(name, TABLE[name] ?? []).map((call) => (SETS.includes(name) ? `sort(${call})` : call)),
);

test('every builtin of the engine is compared', () => {
  expect(NAMES.filter((name) => (TABLE[name] ?? []).length === 0)).toEqual([]);
  expect(Object.keys(TABLE).filter((name) => !NAMES.includes(name))).toEqual([]);
});

test('the builtins of the engine answer as those of OPA do', async () => {
  const expressions = EXPRESSIONS.flat();
  const { opa, engine } = await ask(expressions);
  const told = (answers: readonly unknown[]) =>
    Object.fromEntries(expressions.map((expression, index) => [expression, answers[index] ?? 'no value']));
  expect(told(engine)).toEqual(told(opa));
}, 300_000);
