import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { instantiate } from '../../../policies/engine/module/instantiate.ts';
import { toolPath } from '../../world/tools.ts';

const run = promisify(execFile);
const MAX_OUTPUT_BYTES = 256 * 1024 * 1024;

/** What two evaluators say of the same expressions; undefined where an expression has no value. */
export interface Answers {
  /** Of OPA itself. */
  readonly opa: readonly unknown[];
  /** Of OPA's compiler to WebAssembly and this project's engine. */
  readonly engine: readonly unknown[];
}

/**
 * Evaluates expressions of Rego in both. They are not constant to either, so that none is computed by the compiler.
 * @param expressions in which `input` is the empty object
 */
export async function ask(expressions: readonly string[]): Promise<Answers> {
  const rules = expressions.map((expression, index) => `answers[${index}] := x if x := ${expression}`);
  return evaluate(`package t\n\n${rules.join('\n')}\n`, expressions.length);
}

async function evaluate(rego: string, count: number): Promise<Answers> {
  const work = await mkdtemp(join(tmpdir(), 'holdfast-opa-'));
  try {
    await writeFile(join(work, 't.rego'), rego);
    const opa = (...args: readonly string[]) =>
      run(toolPath('opa'), args, { cwd: work, maxBuffer: MAX_OUTPUT_BYTES }).catch(explain);
    const { stdout } = await opa('eval', '--format', 'json', '--data', 't.rego', 'data.t.answers');
    await opa('build', '--target', 'wasm', '--entrypoint', 't/answers', '--output', 'made.tar.gz', 't.rego');
    await run('tar', ['-xzPf', 'made.tar.gz', '--transform', 's,^/,,'], { cwd: work });
    const policy = await instantiate(await readFile(join(work, 'policy.wasm')), { maxMemoryPages: 4096 });
    const [answer] = policy.evaluate({}, 't/answers') as readonly { readonly result: object }[];
    return {
      opa: listed(JSON.parse(stdout).result[0].expressions[0].value, count),
      engine: listed(answer?.result ?? {}, count),
    };
  } finally {
    await rm(work, { recursive: true });
  }
}

function explain(error: { readonly stdout: string; readonly stderr: string }): never {
  throw new Error(error.stderr || error.stdout);
}

const listed = (answers: object, count: number): readonly unknown[] =>
  Array.from({ length: count }, (_, index) => (answers as Readonly<Record<string, unknown>>)[String(index)]);
