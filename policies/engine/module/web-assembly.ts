/** The memory of an instance. */
export interface WasmMemory {
  readonly buffer: ArrayBuffer;
}

/** What an instance offers, by name. */
export type WasmExports = Readonly<Record<string, unknown>>;

interface WasmApi {
  /** Sizes in pages of 64 KiB. */
  readonly Memory: new (size: {
    readonly initial: number;
    readonly maximum: number;
  }) => WasmMemory;
  readonly instantiate: (
    module: Uint8Array,
    imports: Readonly<Record<string, WasmExports>>,
  ) => Promise<{ readonly instance: { readonly exports: WasmExports } }>;
}

/** The part of the WebAssembly interface that the engine uses: its types come only with those of browsers. */
export const { Memory, instantiate: instantiateModule } = (globalThis as unknown as { readonly WebAssembly: WasmApi })
  .WebAssembly;
