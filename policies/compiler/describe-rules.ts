import { isObject } from '../bundle/parse-manifest.ts';
import { PolicyError } from '../errors.ts';
import type { Opa } from './opa.ts';

/** A rule as its METADATA describes it. Kept in the bundle's manifest for whoever lists policies. */
export interface RuleDescription {
  readonly policy: string;
  readonly rule: string;
  readonly severity: string;
  readonly title: string;
  readonly description: string;
  readonly remediation: string;
}

/**
 * Collects the descriptions of all rules, sorted by policy and name, and makes sure that the gate asks each of them:
 * rule `no-root` of policy `baseline` is `findings` in package `holdfast.baseline.no_root`.
 * @throws PolicyError `compile-failed` for a package that the gate would pass over, a description that lacks something
 * or repeats a name, and for no rule at all: each would approve what it should not.
 */
export async function describeRules(opa: Opa): Promise<readonly RuleDescription[]> {
  const inspected: Inspected = JSON.parse(await opa.run('inspect', '--annotations', '--format', 'json', '.'));
  const rules = (inspected.annotations ?? [])
    .filter(({ annotations }) => isObject(annotations.custom))
    .map(describe)
    .sort((a, b) => (packageOf(a) < packageOf(b) ? -1 : 1));
  const packages = rules.map(packageOf);
  const repeated = packages.find((name, index) => name === packages[index - 1] && name !== GATE);
  if (repeated) throw failure(`${repeated}: two rules have METADATA; one package holds one rule`);
  const unasked = Object.keys(inspected.namespaces).filter((name) => /^data\.holdfast(\.|$)/.test(name));
  for (const name of unasked.filter((candidate) => !packages.includes(candidate))) {
    throw failure(`${name}: has no rule with METADATA naming it; the gate asks holdfast.<policy>.<rule>.findings`);
  }
  if (packages.every((name) => name === GATE)) throw failure('there is no rule: every workload would be approved');
  return rules;
}

const GATE = 'data.gate';

interface Inspected {
  /** Package to files. */
  readonly namespaces: Readonly<Record<string, unknown>>;
  readonly annotations?: readonly Annotated[];
}

interface Annotated {
  readonly annotations: { readonly title?: unknown; readonly description?: unknown; readonly custom?: unknown };
  /** Of the package or rule, from `data` on. */
  readonly path: readonly { readonly value: string }[];
}

function describe({ annotations, path }: Annotated): RuleDescription {
  const { title, description, custom } = annotations;
  const { policy, rule, severity, remediation } = custom as Readonly<Record<string, unknown>>;
  const where = path.map(({ value }) => value).join('.');
  const described = { policy, rule, severity, title, description, remediation };
  for (const [field, value] of Object.entries(described)) {
    if (typeof value !== 'string' || value === '') throw failure(`${where}: METADATA: ${field}: expected a text`);
  }
  if (severity !== 'deny' && severity !== 'warn') throw failure(`${where}: METADATA: severity: expected deny or warn`);
  const complete = described as RuleDescription;
  const expected = `${packageOf(complete)}.findings`;
  if (where !== expected) throw failure(`${where}: METADATA: a rule of this policy and name has to be ${expected}`);
  return complete;
}

function packageOf({ policy, rule }: RuleDescription): string {
  return policy === 'gate' ? GATE : `data.holdfast.${[policy, rule].join('.').replaceAll('-', '_')}`;
}

function failure(message: string): PolicyError {
  return new PolicyError('compile-failed', message);
}
