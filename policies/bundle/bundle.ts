import { fileURLToPath } from 'node:url';

/** A loaded OPA bundle whose every byte is the one its manifest names. */
export interface Bundle {
  /** `sha256:…` over the compiler and the sources. Changes whenever a verdict could. */
  readonly revision: string;
  /** Slash-separated path of the rule to ask, such as `gate/findings`. */
  readonly entrypoint: string;
  readonly wasm: Uint8Array;
  /** JSON text of the base document. */
  readonly data: string;
}

/** What `.manifest` says, reduced to what is read of it (OPA, "Bundle File Format"). */
export interface BundleManifest {
  readonly revision: string;
  readonly entrypoint: string;
  /** `sha256:…` of every other file of the bundle, by its path in the bundle. */
  readonly files: Readonly<Record<string, string>>;
}

export const MANIFEST_FILE = '.manifest';
export const WASM_FILE = 'policy.wasm';
export const DATA_FILE = 'data.json';

/** The bundle that comes with Holdfast: the baseline pack, compiled. */
export const DEFAULT_BUNDLE_DIR = fileURLToPath(new URL('../bundles/default', import.meta.url));
