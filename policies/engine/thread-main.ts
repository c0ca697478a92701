/**
 * The policy thread. It holds one WASM instance and answers one input at a time; a policy that loops, recurses or
 * eats memory takes only this thread down.
 */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { type LoadedPolicy, loadPolicy } from '@open-policy-agent/opa-wasm';
import type { EvaluationAnswer, LoadAnswer, ThreadSetup } from './thread-messages.ts';

/** Builtins that the opa-wasm package brings beside those compiled into the module. */
const HOST_BUILTINS: ReadonlySet<string> = new Set([
  'json.is_valid',
  'regex.split',
  'sprintf',
  'yaml.is_valid',
  'yaml.marshal',
  'yaml.unmarshal',
]);
const INITIAL_MEMORY_PAGES = 32;

/** The exports of an OPA module that the opa-wasm package has no function for (OPA, "WebAssembly", ABI 1.x). */
interface ModuleExports {
  readonly builtins: () => number;
  readonly opa_json_dump: (valueAddress: number) => number;
}

void serve(parentPort as MessagePort, workerData as ThreadSetup);

async function serve(port: MessagePort, setup: ThreadSetup): Promise<void> {
  try {
    const policy = await load(setup);
    port.on('message', (inputText: string) => port.postMessage(evaluate(policy, setup.entrypoint, inputText)));
    port.postMessage({ kind: 'loaded' } satisfies LoadAnswer);
  } catch (thrown) {
    port.postMessage({ kind: 'unusable', reason: describe(thrown) } satisfies LoadAnswer);
  }
}

async function load(setup: ThreadSetup): Promise<LoadedPolicy> {
  const memory = { initial: INITIAL_MEMORY_PAGES, maximum: setup.maxMemoryPages };
  const policy = await loadPolicy(setup.wasm, memory);
  const missing = requiredBuiltins(policy).filter((name) => !HOST_BUILTINS.has(name));
  if (missing.length > 0) throw new Error(`it calls builtins the engine does not have: ${missing.join(', ')}`);
  if (!Object.hasOwn(policy.entrypoints, setup.entrypoint)) {
    throw new Error(`it has no entry point ${setup.entrypoint}`);
  }
  policy.setData(JSON.parse(setup.data));
  return policy;
}

function requiredBuiltins(policy: LoadedPolicy): readonly string[] {
  const { exports } = policy.wasmInstance as unknown as { readonly exports: ModuleExports };
  const start = exports.opa_json_dump(exports.builtins());
  const memory = Buffer.from(policy.mem.buffer);
  return Object.keys(JSON.parse(memory.toString('utf8', start, memory.indexOf(0, start))));
}

function evaluate(policy: LoadedPolicy, entrypoint: string, inputText: string): EvaluationAnswer {
  try {
    // As bytes: the package silently drops an input that is falsy, such as null.
    return {
      kind: 'evaluated',
      resultSet: policy.evaluate(new TextEncoder().encode(inputText).slice().buffer, entrypoint),
    };
  } catch (thrown) {
    return { kind: 'threw', reason: describe(thrown) };
  }
}

/** OPA's host throws strings and plain objects beside errors. */
function describe(thrown: unknown): string {
  if (typeof thrown === 'string') return thrown;
  const message = (thrown as { readonly message?: unknown } | null)?.message;
  return typeof message === 'string' ? message : JSON.stringify(thrown);
}
