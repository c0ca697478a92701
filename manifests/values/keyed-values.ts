/**
 * The values of a ConfigMap or Secret. They are kept where neither JSON nor a debugger's print of what holds them can
 * show them: a value is got by its key, and by nothing else.
 */
export class KeyedValues {
  readonly #values: ReadonlyMap<string, Uint8Array>;

  constructor(values: Iterable<readonly [key: string, value: Uint8Array]>) {
    this.#values = new Map([...values].sort(([a], [b]) => (a < b ? -1 : Number(a > b))));
  }

  /** Sorted. */
  get keys(): readonly string[] {
    return [...this.#values.keys()];
  }

  /** @returns the value of a key, or undefined when there is none. */
  get(key: string): Uint8Array | undefined {
    return this.#values.get(key);
  }

  /** @returns whether both have the same keys with the same values. */
  equals(other: KeyedValues): boolean {
    return (
      this.#values.size === other.#values.size &&
      [...this.#values].every(([key, value]) => sameBytes(value, other.#values.get(key)))
    );
  }

  /** What JSON shows: the keys alone. */
  toJSON(): unknown {
    return { keys: this.keys };
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array | undefined): boolean {
  return b !== undefined && a.length === b.length && a.every((byte, index) => byte === b[index]);
}
