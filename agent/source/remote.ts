/** Where a tip comes from and what it may cost. */
export interface Remote {
  readonly url: string;
  readonly branch: string;
  /** Largest pack one fetch may bring. */
  readonly packBytes: number;
}
