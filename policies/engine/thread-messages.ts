/** What a policy thread is given when it starts. */
export interface ThreadSetup {
  readonly wasm: Uint8Array;
  /** JSON text of the base document. */
  readonly data: string;
  readonly entrypoint: string;
  /** Ceiling of the module's memory, in pages of 64 KiB. */
  readonly maxMemoryPages: number;
}

/** First word of a thread: whether the module can be used. */
export type LoadAnswer = { readonly kind: 'loaded' } | { readonly kind: 'unusable'; readonly reason: string };

/** Answer to one input, which is sent as JSON text. */
export type EvaluationAnswer =
  /** OPA's result set: empty when the entry point is undefined, else one object with `result`. */
  { readonly kind: 'evaluated'; readonly resultSet: unknown } | { readonly kind: 'threw'; readonly reason: string };

/** There is no answer, and the thread is gone. */
export type ThreadLost = { readonly kind: 'timed-out' } | { readonly kind: 'died'; readonly reason: string };
