/** Bounds on what one file may ask of the reader; a file beyond one is refused. */
export const YAML_LIMITS = {
  fileBytes: 1024 * 1024,
  documents: 1_000,
  nesting: 64,
} as const;
