import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type KernelGround, openKernelGround } from '../native/kernel-ground.ts';

/** The kernel of this machine, where nothing at all may be left: no file, mount, cgroup or process that was not there before. */
export async function strictKernelGround(): Promise<KernelGround> {
  const ground = await openKernelGround();
  const places = [ground.directory, ground.runDir];
  const files = async (): Promise<readonly string[]> => (await Promise.all(places.map(filesBelow))).flat();
  const before = new Set(await files());
  return {
    ...ground,
    leftovers: async (sandboxId) => [
      ...(await ground.leftovers(sandboxId)),
      ...(await files()).filter((path) => !before.has(path)),
      ...(await mountsBelow(places)),
      ...(await ground.cgroups.list()),
      ...(await ground.cgroups.pids('')).map((pid) => `process ${pid}`),
    ],
  };
}

async function filesBelow(directory: string): Promise<readonly string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => !entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name));
}

async function mountsBelow(directories: readonly string[]): Promise<readonly string[]> {
  const table = await readFile('/proc/self/mountinfo', 'utf8');
  return table.split('\n').filter((line) => directories.some((directory) => line.includes(directory)));
}
