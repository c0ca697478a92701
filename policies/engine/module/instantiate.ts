import * as opaWasm from '@open-policy-agent/opa-wasm';
import { BUILTINS } from '../builtins/index.ts';
import { parseTerm } from '../terms/parse-term.ts';
import { encodeTerm } from '../terms/print-term.ts';
import type { Term } from '../terms/term.ts';
import { type ModuleMemory, openMemory } from './memory.ts';
import { instantiateModule, Memory, type WasmExports } from './web-assembly.ts';

/** The package's ES module has the class in its default export only, whatever its types say. */
const { LoadedPolicy } = (opaWasm as unknown as { readonly default: typeof opaWasm }).default;

const INITIAL_MEMORY_PAGES = 32;

type PackageTypes = ConstructorParameters<typeof opaWasm.LoadedPolicy>;

/** What a module exports beside its memory's functions (OPA, "WebAssembly", ABI 1.x). */
interface ModuleExports {
  readonly builtins: () => number;
  readonly opa_value_dump: (valueAddress: number) => number;
  readonly opa_value_parse: (textAddress: number, bytes: number) => number;
  readonly opa_wasm_abi_minor_version: { readonly value: number };
}

/**
 * Makes an instance of a compiled policy. This is the one seam to the opa-wasm package, which then drives the instance:
 * the imports are ours, so that builtins get sets as sets and whole numbers whole, answer as OPA itself does, and throw
 * nothing but errors.
 * @param wasm the module. @param limits.maxMemoryPages what it may grow to, in pages of 64 KiB.
 * @throws Error naming each builtin that the module calls and the engine does not have, or when it is no such module
 */
export async function instantiate(
  wasm: Uint8Array,
  { maxMemoryPages }: { readonly maxMemoryPages: number },
): Promise<opaWasm.LoadedPolicy> {
  const memory = new Memory({ initial: INITIAL_MEMORY_PAGES, maximum: maxMemoryPages });
  const names = new Map<number, string>();
  let exports: ModuleExports | null = null;
  const inModule = (): { readonly exports: ModuleExports; readonly memory: ModuleMemory } => {
    if (exports === null) throw new Error('the policy module calls its host before it is loaded');
    return { exports, memory: openMemory(memory, exports as unknown as WasmExports) };
  };
  const call = (id: number, _context: number, ...operands: readonly number[]): number => {
    const { exports: module, memory: own } = inModule();
    const terms = operands.map((address) => parseTerm(own.readText(module.opa_value_dump(address))));
    const result = callBuiltin(names.get(id) ?? '', terms);
    if (result === undefined) return 0;
    const text = own.writeText(encodeTerm(result));
    return module.opa_value_parse(text.address, text.bytes);
  };
  const host = {
    memory,
    opa_abort: (address: number) => {
      throw new Error(openMemory(memory).readText(address));
    },
    opa_println: () => undefined,
    ...Object.fromEntries([0, 1, 2, 3, 4].map((count) => [`opa_builtin${count}`, call])),
  };
  const { instance } = await instantiateModule(wasm, { env: host });
  exports = instance.exports as unknown as ModuleExports;
  for (const [name, id] of requiredBuiltins(exports, inModule().memory)) names.set(id, name);
  const missing = [...names.values()].filter((name) => !Object.hasOwn(BUILTINS, name)).sort();
  if (missing.length > 0) throw new Error(`it calls builtins the engine does not have: ${missing.join(', ')}`);
  const minorVersion = exports.opa_wasm_abi_minor_version.value;
  return new LoadedPolicy(instance as unknown as PackageTypes[0], memory as unknown as PackageTypes[1], minorVersion);
}

function requiredBuiltins(exports: ModuleExports, memory: ModuleMemory): readonly (readonly [string, number])[] {
  return Object.entries(JSON.parse(memory.readText(exports.opa_value_dump(exports.builtins()))));
}

function callBuiltin(name: string, operands: readonly Term[]): Term | undefined {
  const builtin = BUILTINS[name];
  if (!builtin) throw new Error(`the policy module calls a builtin it did not name: ${name}`);
  return builtin(...operands);
}
