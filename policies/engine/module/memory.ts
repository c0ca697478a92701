import type { WasmExports, WasmMemory } from './web-assembly.ts';

/** Texts in the memory of a module. */
export interface ModuleMemory {
  /** @param address of a text that ends with a zero byte */
  readText(address: number): string;
  /** Puts a text where the module can read it. @returns where, and its length in bytes */
  writeText(text: string): { readonly address: number; readonly bytes: number };
}

/** @param exports of the module, for who writes: it says where there is room. */
export function openMemory(memory: WasmMemory, exports: WasmExports = {}): ModuleMemory {
  return {
    readText: (address) => {
      const all = Buffer.from(memory.buffer);
      return all.toString('utf8', address, all.indexOf(0, address));
    },
    writeText: (text) => {
      const content = Buffer.from(text);
      const address = (exports.opa_malloc as (bytes: number) => number)(content.length);
      Buffer.from(memory.buffer).set(content, address);
      return { address, bytes: content.length };
    },
  };
}
