/** Where a layer is unpacked to. */
export interface LayerPlace {
  /** An empty directory. */
  readonly directory: string;
  /** Where its inventory is to be written; nothing is there. */
  readonly inventory: string;
}
