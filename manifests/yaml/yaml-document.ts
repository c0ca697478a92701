import type { Problem, SourcePosition } from '../origin.ts';

/** A place in a file whose name is known from elsewhere; counts from 1. */
export type Place = Pick<SourcePosition, 'line' | 'column'>;

/** One document of a YAML or JSON file as plain JSON, with the place of every field. */
export interface YamlDocument {
  readonly file: string;
  /** Plain JSON; a field that could not be read is left out (and is in `flawed`). */
  readonly value: unknown;
  /** Place of every written field by its path (see `fieldPath`); the empty path is where the document begins. */
  readonly positions: Readonly<Record<string, Place>>;
  /** Paths that reading already reported. A document with any is never given out as valid. */
  readonly flawed: readonly string[];
}

/** What a file holds. When `problems` is not empty the file must be refused; its documents serve to find more problems. */
export interface YamlFile {
  readonly documents: readonly YamlDocument[];
  readonly problems: readonly Problem[];
}
