import { execFile } from 'node:child_process';
import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { loadPolicy } from '@open-policy-agent/opa-wasm';
import { buildBundle, PACKS_DIR } from '../../policies/compiler/build-bundle.ts';
import { DEFAULT_BUNDLE_DIR, openPolicyEngine, type Verdict } from '../../policies/index.ts';
import { makeTempDir, type TempDir } from '../world/temp-dir.ts';
import { toolPath } from '../world/tools.ts';
import { type Changes, ORIGIN, soundInput } from './sound-input.ts';

const opaPath = toolPath('opa');

let temp: TempDir;
let made = 0;
beforeAll(async () => {
  temp = await makeTempDir();
});
afterAll(() => temp.remove());

function newPath(): string {
  made += 1;
  return join(temp.path, String(made));
}

async function opa(...args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(opaPath, args, { cwd: PACKS_DIR });
  return stdout;
}

/** @returns a copy of the packs with some files written over it. */
async function packsWith(files: Readonly<Record<string, string>>): Promise<string> {
  const dir = newPath();
  await cp(PACKS_DIR, dir, { recursive: true });
  for (const [name, text] of Object.entries(files)) await writeFile(join(dir, name), text);
  return dir;
}

async function readAll(dir: string): Promise<Readonly<Record<string, string>>> {
  const names = await readdir(dir);
  const contents = await Promise.all(names.sort().map((name) => readFile(join(dir, name), 'base64')));
  return Object.fromEntries(names.map((name, index) => [name, contents[index] ?? '']));
}

async function compilerOf(bundleDir: string): Promise<unknown> {
  return JSON.parse(await readFile(join(bundleDir, '.manifest'), 'utf8')).metadata.compiler;
}

describe('the sources', () => {
  test('pass their Rego tests, of which there is one file for each rule', async () => {
    const results: readonly { readonly name: string; readonly location: { readonly file: string } }[] = JSON.parse(
      await opa('test', '--timeout', '10m', '--format', 'json', '.'),
    );
    const tested = new Set(results.map(({ location }) => location.file));
    for (const pack of ['baseline', 'supply_chain']) {
      const rules = (await readdir(join(PACKS_DIR, pack))).filter((name) => !name.endsWith('_test.rego'));
      expect(rules.length).toBeGreaterThan(0);
      for (const rule of rules) expect(tested).toContain(`${pack}/${rule.replace('.rego', '_test.rego')}`);
    }
  });

  test('pass the strict checks', async () => {
    expect(await opa('check', '--strict', '.')).toBe('');
  });

  test('are formatted', async () => {
    expect(await opa('fmt', '--list', '.')).toBe('');
  });
});

describe('the bundle in Git', () => {
  test('is what its sources give', async () => {
    const fresh = newPath();
    await buildBundle({ opaPath, packsDir: PACKS_DIR, outDir: fresh });
    const [recorded, here] = [await compilerOf(DEFAULT_BUNDLE_DIR), await compilerOf(fresh)];
    if (JSON.stringify(recorded) === JSON.stringify(here)) {
      expect(await readAll(fresh)).toEqual(await readAll(DEFAULT_BUNDLE_DIR));
    } else {
      console.warn(
        `Compiled by ${JSON.stringify(recorded)}, here is ${JSON.stringify(here)}: verdicts compared, not bytes.`,
      );
      expect(await verdictsOf(fresh)).toEqual(await verdictsOf(DEFAULT_BUNDLE_DIR));
    }
  });

  test('gives the verdicts that a bundle of other sources does not', async () => {
    const lenient = (await readFile(join(PACKS_DIR, 'baseline/no_root.rego'), 'utf8')).replace('uid > 0', 'uid >= 0');
    const other = newPath();
    await buildBundle({ opaPath, packsDir: await packsWith({ 'baseline/no_root.rego': lenient }), outDir: other });
    expect(await verdictsOf(other)).not.toEqual(await verdictsOf(DEFAULT_BUNDLE_DIR));
  });

  test('is the same wherever the sources are and however often it is built', async () => {
    const packsDir = await packsWith({});
    const bundles = await Promise.all(
      [1, 2, 3, 4].map(async () => {
        const outDir = newPath();
        await buildBundle({ opaPath, packsDir, outDir });
        return readAll(outDir);
      }),
    );
    for (const bundle of bundles) expect(bundle).toEqual(bundles[0]);
  });

  test('asks no builtin of the host', async () => {
    const policy = await loadPolicy(await readFile(join(DEFAULT_BUNDLE_DIR, 'policy.wasm')), { initial: 32 });
    const { exports } = policy.wasmInstance as unknown as {
      readonly exports: Record<string, (address?: number) => number>;
    };
    const start = exports.opa_json_dump?.(exports.builtins?.());
    expect(Buffer.from(policy.mem.buffer).toString('utf8', start, (start ?? 0) + 3)).toBe('{}\0');
  });
});

describe('a build', () => {
  const head = (rule: string): string => `package holdfast.baseline.${rule}\n\n`;
  const metadata = (rule: string, severity = 'deny'): string =>
    `# METADATA\n# title: t\n# description: d\n# scope: rule\n# custom:\n#   policy: baseline\n#   rule: ${rule}\n#   severity: ${severity}\n#   remediation: r\n`;
  const body = 'findings contains data.finding.at(rego.metadata.rule(), "", "p") if input.version == ""\n';

  const broken: readonly (readonly [string, string, string, string])[] = [
    [
      'a syntax error',
      'baseline/broken.rego',
      `${head('broken')}findings contains 1 iff true\n`,
      'baseline/broken.rego:3',
    ],
    ['an unknown builtin', 'baseline/broken.rego', `${head('broken')}\n\nx := no.such(1)\n`, 'baseline/broken.rego:5'],
    ['an unused variable', 'baseline/broken.rego', `${head('broken')}p if {\n\tx := 1\n}\n`, 'baseline/broken.rego:4'],
    ['a missing gate', 'gate/gate.rego', 'package gate\n', 'gate'],
    ['data that is no JSON', 'data.json', '{', 'data.json'],
    [
      'a rule without METADATA',
      'baseline/late.rego',
      `${head('late')}${body.replace('rego.metadata.rule()', '{}')}`,
      'data.holdfast.baseline.late',
    ],
    [
      'METADATA of another rule',
      'baseline/late.rego',
      `${head('late')}${metadata('other')}${body}`,
      'data.holdfast.baseline.other.findings',
    ],
    ['an unknown severity', 'baseline/late.rego', `${head('late')}${metadata('late', 'info')}${body}`, 'severity'],
    [
      'an empty remediation',
      'baseline/late.rego',
      `${head('late')}${metadata('late').replace(': r\n', ': ""\n')}${body}`,
      'remediation',
    ],
    [
      'two rules in one package',
      'baseline/late.rego',
      `${head('late')}${metadata('late')}${body}\n${metadata('late')}${body}`,
      'two rules',
    ],
    [
      'a rule where the gate does not look',
      'baseline/late.rego',
      `package holdfast.late\n\n${body.replace('rego.metadata.rule()', '{}')}`,
      'data.holdfast.late',
    ],
  ];
  test.each(broken)('with %s tells where, and leaves the old bundle as it was', async (_, name, text, told) => {
    const outDir = newPath();
    await cp(DEFAULT_BUNDLE_DIR, outDir, { recursive: true });
    const before = await readAll(outDir);
    const packsDir = await packsWith({ [name]: text });
    await expect(buildBundle({ opaPath, packsDir, outDir })).rejects.toMatchObject({
      code: 'compile-failed',
      message: expect.stringContaining(told),
    });
    expect(await readAll(outDir)).toEqual(before);
  });

  test('without any rule is refused, for it would approve everything', async () => {
    const packsDir = await packsWith({});
    for (const pack of ['baseline', 'supply_chain']) await rm(join(packsDir, pack), { recursive: true });
    const build = buildBundle({ opaPath, packsDir, outDir: newPath() });
    await expect(build).rejects.toMatchObject({ code: 'compile-failed', message: expect.stringContaining('no rule') });
  });

  test('that needs a builtin the engine lacks leaves the old bundle as it was', async () => {
    const outDir = newPath();
    await cp(DEFAULT_BUNDLE_DIR, outDir, { recursive: true });
    const before = await readAll(outDir);
    const rule = `${head('late')}${metadata('late')}${body.replace('input.version == ""', 'time.now_ns() > 0')}`;
    const build = buildBundle({ opaPath, packsDir: await packsWith({ 'baseline/late.rego': rule }), outDir });
    await expect(build).rejects.toMatchObject({
      code: 'wasm-unusable',
      message: expect.stringContaining('time.now_ns'),
    });
    expect(await readAll(outDir)).toEqual(before);
    expect((await readdir(temp.path)).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  test('with a rule more is asked by the gate, and has another revision', async () => {
    const outDir = newPath();
    const rule = `${head('late')}${metadata('late', 'warn')}${body.replace('== ""', '!= ""')}`;
    const revision = await buildBundle({ opaPath, packsDir: await packsWith({ 'baseline/late.rego': rule }), outDir });
    const engine = await openPolicyEngine({ bundleDir: outDir });
    expect(engine.revision).toBe(revision);
    expect(await engine.evaluate(soundInput(), ORIGIN)).toMatchObject({
      decision: 'warn',
      findings: [{ rule: 'late' }],
    });
    await engine.close();
    const shipped = await openPolicyEngine({ bundleDir: DEFAULT_BUNDLE_DIR });
    await shipped.close();
    expect(revision).not.toBe(shipped.revision);
  });

  test('with an opa that is not there says so', async () => {
    const build = buildBundle({ opaPath: join(temp.path, 'opa'), packsDir: PACKS_DIR, outDir: newPath() });
    await expect(build).rejects.toMatchObject({ code: 'compile-failed', message: expect.stringContaining('ENOENT') });
  });
});

/** Verdicts of a bundle on inputs that touch every rule. */
async function verdictsOf(bundleDir: string): Promise<readonly Verdict[]> {
  const values = [undefined, null, false, true, 0, 1, 4_294_967_296, '', '0', '1000', 'root', [], ['release'], {}];
  const changes: readonly Changes[] = [
    ...['privileged', 'allowPrivilegeEscalation', 'runAsUser'].flatMap((name) =>
      values.map((value) => ({ securityContext: { [name]: value ?? null } })),
    ),
    ...['memoryBytes', 'cpuMillis'].flatMap((name) => values.map((value) => ({ limits: { [name]: value ?? null } }))),
    ...['user', 'pinnedDigest', 'signedBy'].flatMap((name) =>
      values.map((value) => ({ facts: { [name]: value ?? null } })),
    ),
    ...['hostUsers', 'containers'].flatMap((name) => values.map((value) => ({ pod: { [name]: value ?? null } }))),
    ...['version', 'images', 'pod'].flatMap((name) => values.map((value) => ({ input: { [name]: value ?? null } }))),
    ...['image', 'name', 'resources', 'securityContext'].flatMap((name) =>
      values.map((value) => ({ container: { [name]: value ?? null } })),
    ),
  ];
  const engine = await openPolicyEngine({ bundleDir });
  try {
    return await Promise.all(changes.map((change) => engine.evaluate(soundInput(change), ORIGIN)));
  } finally {
    await engine.close();
  }
}
