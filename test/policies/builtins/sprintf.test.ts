import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { sprintf } from '../../../policies/engine/builtins/sprintf/sprintf.ts';
import { parseTerm } from '../../../policies/engine/terms/parse-term.ts';
import { makeTempDir } from '../../world/temp-dir.ts';
import { toolPath } from '../../world/tools.ts';

const FLAGS = ['', '-', '+', ' ', '0', '+0', '-0', '- '];
const WIDTHS = ['', '5', '12'];
const PRECISIONS = ['', '.', '.2', '.0'];
const VERBS = [...'vdbocqxXUeEfFgGstTOz'];
const VALUES = [
  ...['0', '5', '-7', '255', '65', '1114112', '12345678901234567890', '1.5', '-0.25', '0.00001', '123456.789'],
  ...['1.5e30', '"abc"', '"a\\"b\\n"', '"é"', '""', 'true', 'null', '[1,"a",{"b":[2]}]', '{"x":"a"}', '[]'],
];
/** Go writes a double in binary or hexadecimal, which nobody asks a policy for. */
const isLeftOut = (verb: string, value: string): boolean => /[bxX]/.test(verb) && /\./.test(value);

const ORDINARY = FLAGS.flatMap((flags) =>
  WIDTHS.flatMap((width) =>
    PRECISIONS.flatMap((precision) =>
      VERBS.flatMap((verb) =>
        VALUES.filter((value) => !isLeftOut(verb, value)).map((value) => [
          `%${flags}${width}${precision}${verb}`,
          `[${value}]`,
        ]),
      ),
    ),
  ),
) as (readonly [string, string])[];

const ODD: readonly (readonly [string, string])[] = [
  ['%v %v', '[1]'],
  ['%v', '[1,2]'],
  ['%v', '[1,"x",1.5,[1]]'],
  ['%v', '[]'],
  ['%%', '[]'],
  ['100%', '[]'],
  ['%', '[1]'],
  ['a%5%b', '[]'],
  ['%!', '[1]'],
  ['%é', '[1]'],
  ['%d %s %q', '[1]'],
  ['%s', '["%d"]'],
  ['%[2]v %[1]v', '[1,2]'],
  ['%[3]v', '[1,2]'],
  ['%[1]v', '[1,2]'],
  ['%[x]v', '[1]'],
  ['%[]v', '[1]'],
  ['%*d|%-*d|', '[5,42,5,42]'],
  ['%*d', '["x",42]'],
  ['%*d|', '[-5,42]'],
  ['%.*f', '[2,3.14159]'],
  ['%.*f', '["x",1.5]'],
  ['%[2]*[1]d', '[42,5]'],
  ['%.[2]*[1]f', '[1.2345,2]'],
  ['%#x %#X %#o %#b', '[255,255,8,5]'],
  ['%#q %#q %#v', '["a","a`b","a"]'],
  ['% x|%# x', '["abc","abc"]'],
  ['%s and %s', '["é\\u0007\\u2028",["\\u0007\\u2028é"]]'],
];

test('formats as OPA does, whatever the directive and whatever the value', async () => {
  const temp = await makeTempDir();
  try {
    const cases = [...ORDINARY, ...ODD];
    const pairs = cases.map(([format, values]) => `[${JSON.stringify(format)},${values}]`);
    await writeFile(join(temp.path, 'input.json'), `[${pairs.join(',\n')}]`);
    await writeFile(
      join(temp.path, 't.rego'),
      'package t\n\nall := [sprintf(pair[0], pair[1]) | some pair in input]\n',
    );
    const { stdout } = await promisify(execFile)(
      toolPath('opa'),
      ['eval', '--format', 'json', '--data', 't.rego', '--input', 'input.json', 'data.t.all'],
      { cwd: temp.path, maxBuffer: 64 * 1024 * 1024 },
    );
    const answers: readonly string[] = JSON.parse(stdout).result[0].expressions[0].value;
    const ours = cases.map(([format, values]) => sprintf(format, parseTerm(values)));
    const told = cases.map(([format, values], index) => [format, values, answers[index]]);
    expect(cases.map(([format, values], index) => [format, values, ours[index]])).toEqual(told);
    expect(answers.length).toBeGreaterThan(30_000);
  } finally {
    await temp.remove();
  }
});

test.each([
  ['a format that is no text', [1], [1]],
  ['values that are no array', '%v', 'x'],
] as const)('has no value for %s', (_name, format, values) => {
  expect(sprintf(format, values)).toBeUndefined();
});
