import { join } from 'node:path';
import { readControl, writeControl } from './files.ts';

/** Controllers a v2 group gives to those below it; optional ones where it has them. */
export interface HandedDown {
  readonly needed: readonly string[];
  readonly optional: readonly string[];
}

/** Enables controllers for the groups below a directory. Those that are enabled already are left alone. */
export async function handDown(directory: string, { needed, optional }: HandedDown): Promise<void> {
  const path = join(directory, 'cgroup.subtree_control');
  const enabled = ((await readControl(path)) ?? '').split(' ');
  const available = ((await readControl(join(directory, 'cgroup.controllers'))) ?? '').split(' ');
  const wanted = [...needed, ...optional.filter((name) => available.includes(name))];
  const missing = wanted.filter((name) => !enabled.includes(name));
  if (missing.length > 0) await writeControl(path, missing.map((name) => `+${name}`).join(' '));
}
