import type { LoadedConfig } from '../config/load-config.ts';
import type { Output, OutputFormat } from './print.ts';

/** What every verb gets. */
export interface VerbContext {
  readonly output: Output;
  readonly format: OutputFormat;
  readonly config: () => Promise<LoadedConfig>;
}
