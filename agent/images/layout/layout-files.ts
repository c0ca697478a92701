/** The files of an image layout, wherever they are. */
export interface LayoutFiles {
  /** @returns a stream of a file from an offset on, or null when there is none. */
  read(name: string, offset: number): Promise<AsyncIterable<Buffer> | null>;
  close(): Promise<void>;
}
