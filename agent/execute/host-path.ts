import { lstat, mkdir, stat, writeFile } from 'node:fs/promises';
import { sep } from 'node:path';
import type { HostPathType, Volume } from '../../manifests/index.ts';
import { StepError } from './step-error.ts';

/**
 * Checks a hostPath volume against its type, and makes what its type asks for. A path through a symbolic link is refused:
 * whoever may write to one of its directories, such as a container with a volume there, could lead it anywhere.
 * @throws StepError `host-path`
 */
export async function prepareHostPath(volume: Extract<Volume, { type: 'hostPath' }>): Promise<void> {
  const { name, path, hostPathType } = volume;
  const refuse = (problem: string): never => {
    throw new StepError('host-path', `hostPath volume ${name}: ${problem}`);
  };
  const link = await firstLink(path);
  if (link !== null) refuse(`${link} is a symbolic link; write the path it leads to`);
  await make(path, hostPathType).catch((error: NodeJS.ErrnoException) => refuse(`${path}: ${error.message}`));
  const found = await stat(path).catch(() => null);
  if (found === null) return refuse(`${path} does not exist on this node; make it, or use DirectoryOrCreate`);
  const isRight = {
    '': true,
    Directory: found.isDirectory(),
    DirectoryOrCreate: found.isDirectory(),
    File: found.isFile(),
    FileOrCreate: found.isFile(),
    Socket: found.isSocket(),
  }[hostPathType];
  if (!isRight) refuse(`${path} is not a ${hostPathType}`);
}

/** @returns the first part of a path that is a symbolic link, or null when none is. */
async function firstLink(path: string): Promise<string | null> {
  const names = path.split(sep).filter((name) => name !== '');
  for (let count = 1; count <= names.length; count++) {
    const part = `${sep}${names.slice(0, count).join(sep)}`;
    const about = await lstat(part).catch(() => null);
    if (about === null) return null;
    if (about.isSymbolicLink()) return part;
  }
  return null;
}

async function make(path: string, type: HostPathType): Promise<void> {
  if (type === 'DirectoryOrCreate') await mkdir(path, { recursive: true, mode: 0o755 });
  // Made only when nothing is there: what is there keeps its content and its mode.
  if (type === 'FileOrCreate') await writeFile(path, '', { flag: 'a', mode: 0o644 });
}
