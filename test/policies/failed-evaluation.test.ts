import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { openPolicyEngine, type PolicyEngine, type Verdict } from '../../policies/index.ts';
import { makeTempDir, type TempDir } from '../world/temp-dir.ts';
import { ORIGIN, soundInput } from './sound-input.ts';
import { makeTinyBundle } from './tiny-bundle.ts';

const FINDING = '"policy": "site", "rule": "r", "message": "m", "field": ""';
/** Makes four million lists. */
const HUNGRY = '[[a, b] | some a in numbers.range(1, 2000); some b in numbers.range(1, 2000)]';
/** Compares a billion pairs of numbers, which takes many seconds and no memory: the list is made once. */
const ENDLESS = 'count([1 | all := numbers.range(1, 30000); some a in all; some b in all; a > b; b > a]) == 0';

let temp: TempDir;
beforeAll(async () => {
  temp = await makeTempDir();
});
afterAll(() => temp.remove());

/** Runs the test with an engine over a policy of a few lines. */
async function withEngine<Result>(
  rego: string,
  use: (engine: PolicyEngine) => Promise<Result>,
  timeoutMs = 10_000,
): Promise<Result> {
  const engine = await openPolicyEngine({ bundleDir: await makeTinyBundle(temp.path, rego), timeoutMs });
  try {
    return await use(engine);
  } finally {
    await engine.close();
  }
}

function engineDeny(rule: string, message: RegExp | string): object {
  const findings = [
    {
      policy: 'engine',
      rule,
      severity: 'deny',
      message: typeof message === 'string' ? expect.stringContaining(message) : expect.stringMatching(message),
      file: 'shop/deployment.yaml',
      line: 10,
      column: 7,
      path: 'spec.template.spec',
    },
  ];
  return { decision: 'deny', findings };
}

describe('a workload is denied when the policies', () => {
  const broken: readonly (readonly [string, string, string, RegExp | string])[] = [
    ['have no value', 'findings := [] if input.nothing', 'engine-undefined', 'no value'],
    ['answer true', 'findings := true', 'engine-error', 'no list'],
    ['answer false', 'findings := false', 'engine-error', 'no list'],
    ['answer null', 'findings := null', 'engine-error', 'no list'],
    ['answer an object', 'findings := {"deny": []}', 'engine-error', 'no list'],
    ['answer a text', 'findings := ""', 'engine-error', 'no list'],
    ['find a text', 'findings := ["privileged"]', 'engine-error', 'finding 0'],
    ['find null', `findings := [{"severity": "warn", ${FINDING}}, null]`, 'engine-error', 'finding 1'],
    ['find something without a severity', `findings := [{${FINDING}}]`, 'engine-error', 'severity'],
    [
      'find something whose field is a number',
      `findings := [{"severity": "warn", ${FINDING.replace('""', '1')}}]`,
      'engine-error',
      'field',
    ],
    [
      'find too much',
      `findings := [{"severity": "warn", ${FINDING}} | some _ in numbers.range(0, 1000)]`,
      'engine-error',
      '1000',
    ],
    [
      'contradict themselves',
      'findings := [] if input.version\n\nfindings := [1] if input.pod',
      'engine-error',
      'conflict',
    ],
    [
      'make a builtin of the host throw',
      'findings := numbers.range_step(0, count(input.version) * 1000000000, 1)',
      'engine-error',
      'numbers.range_step: more than a million numbers',
    ],
    ['eat all memory', `findings := ${HUNGRY}`, 'engine-error', 'opa_malloc: failed'],
  ];
  test.each(broken)('%s', async (_, rego, rule, message) => {
    const verdict = await withEngine(rego, (engine) => engine.evaluate(soundInput(), ORIGIN));
    expect(verdict).toEqual(engineDeny(rule, message));
  });

  test('take too long, and the next workload is judged all the same', async () => {
    const rego = `findings := [] if input.pod.hostname != "slow"\n\nfindings := [] if {\n\tinput.pod.hostname == "slow"\n\t${ENDLESS}\n}`;
    const slow = soundInput({ pod: { hostname: 'slow' } });
    await withEngine(
      rego,
      async (engine) => {
        const [late, next] = await Promise.all([engine.evaluate(slow, ORIGIN), engine.evaluate(soundInput(), ORIGIN)]);
        expect(late).toEqual(engineDeny('engine-timeout', '500 ms'));
        expect(next).toEqual({ decision: 'allow' });
      },
      500,
    );
  });
});

describe('after a failure', () => {
  test('the next workload gets a fresh instance', async () => {
    const rego = `findings := [] if input.pod.hostname != "bad"\n\nfindings := ${HUNGRY} if input.pod.hostname == "bad"`;
    const decisions = await withEngine(rego, async (engine) => {
      const seen: string[] = [];
      for (const hostname of ['good', 'bad', 'fine', 'bad', 'better']) {
        seen.push((await engine.evaluate(soundInput({ pod: { hostname } }), ORIGIN)).decision);
      }
      return seen;
    });
    expect(decisions).toEqual(['allow', 'deny', 'allow', 'deny', 'allow']);
  });

  test('nothing added to the input turns it into an approval', async () => {
    await withEngine('findings := [] if input.nothing.of.this', (engine) =>
      fc.assert(
        fc.asyncProperty(fc.dictionary(fc.string(), fc.jsonValue()), async (added) => {
          const verdict = await engine.evaluate(soundInput({ input: { ...added, nothing: null } }), ORIGIN);
          expect(verdict).toEqual(engineDeny('engine-undefined', 'no value'));
        }),
        { numRuns: 50 },
      ),
    );
  });
});

describe('severity', () => {
  const decide = (...severities: readonly string[]): Promise<Verdict> =>
    withEngine(
      `findings := [${severities.map((severity, index) => `{"severity": "${severity}", ${FINDING.replace('"m"', `"m${index}"`)}}`).join(', ')}]`,
      (engine) => engine.evaluate(soundInput(), ORIGIN),
    );

  test('warn alone warns', async () => {
    expect(await decide('warn', 'warn')).toMatchObject({
      decision: 'warn',
      findings: [{ message: 'm0' }, { message: 'm1' }],
    });
  });

  test('one deny among warnings denies', async () => {
    expect(await decide('warn', 'deny')).toMatchObject({
      decision: 'deny',
      findings: [{ severity: 'deny' }, { severity: 'warn' }],
    });
  });

  test.each(['', 'info', 'WARN', 'Deny', 'none'])('an unknown one, "%s", denies', async (severity) => {
    expect(await decide(severity)).toMatchObject({ decision: 'deny', findings: [{ severity: 'deny' }] });
  });
});

test('findings come sorted, and each once', async () => {
  const at = (field: string, rule: string): string =>
    `{"policy": "site", "rule": "${rule}", "severity": "warn", "message": "m", "field": "${field}"}`;
  const user = 'containers[0].securityContext.runAsUser';
  const rego = `findings := [${[at(user, 'b'), at('', 'z'), at(user, 'a'), at('', 'z')].join(', ')}]`;
  const verdict = await withEngine(rego, (engine) => engine.evaluate(soundInput(), ORIGIN));
  expect(verdict).toMatchObject({ findings: [{ rule: 'z' }, { rule: 'a' }, { rule: 'b' }] });
  expect(verdict).toHaveProperty('findings.length', 3);
});

test('an input that JSON cannot hold is denied', async () => {
  await withEngine('findings := []', async (engine) => {
    const circle: { self?: unknown } = {};
    circle.self = circle;
    for (const odd of [undefined, Number.NaN, 1n, () => 1, circle, { version: undefined }]) {
      const verdict = await engine.evaluate(odd as never, ORIGIN);
      expect(verdict).toEqual(engineDeny('engine-error', 'JSON'));
    }
    expect(await engine.evaluate(null as never, ORIGIN)).toEqual({ decision: 'allow' });
  });
});

test('an input that is falsy is judged and not dropped', async () => {
  const verdict = await withEngine('findings := [] if is_null(input)', (engine) =>
    engine.evaluate(null as never, ORIGIN),
  );
  expect(verdict).toEqual({ decision: 'allow' });
});
