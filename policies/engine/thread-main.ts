/**
 * The policy thread. It holds one WASM instance and answers one input at a time; a policy that loops, recurses or
 * eats memory takes only this thread down.
 */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import type { LoadedPolicy } from '@open-policy-agent/opa-wasm';
import { instantiate } from './module/instantiate.ts';
import type { EvaluationAnswer, LoadAnswer, ThreadSetup } from './thread-messages.ts';

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
  const policy = await instantiate(setup.wasm, setup);
  if (!Object.hasOwn(policy.entrypoints, setup.entrypoint)) {
    throw new Error(`it has no entry point ${setup.entrypoint}`);
  }
  policy.setData(JSON.parse(setup.data));
  return policy;
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

/** The package throws strings beside errors. */
function describe(thrown: unknown): string {
  if (typeof thrown === 'string') return thrown;
  const message = (thrown as { readonly message?: unknown } | null)?.message;
  return typeof message === 'string' ? message : JSON.stringify(thrown);
}
