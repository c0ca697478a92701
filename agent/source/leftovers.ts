import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** Removes what crashes and replaced keys left in a directory. @param keep the names that stay. */
export async function removeLeftovers(options: {
  readonly directory: string;
  readonly keep: readonly string[];
}): Promise<void> {
  const names = await readdir(options.directory);
  for (const name of names.filter((name) => !options.keep.includes(name))) {
    await rm(join(options.directory, name), { recursive: true, force: true });
  }
}
