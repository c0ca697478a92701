import { randomBytes } from 'node:crypto';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** Names of temporary files: of this process, for pids come again, and in their order, for chance costs more than a write. */
const ours = randomBytes(6).toString('hex');
let made = 0;

/**
 * Replaces a small file at once: a reader, or an agent started after a crash of this one, finds the old content or the
 * new one. A power cut may lose it, so this is for files of a tmpfs, which one loses anyway; there it takes microseconds.
 * Missing directories are made with mode 0700.
 * @throws the file system's error; the old content is then untouched.
 */
export function replaceFile(path: string, content: string): void {
  const directory = dirname(path);
  const temporary = join(directory, `.${basename(path)}.${ours}-${++made}.tmp`);
  try {
    writeNew(temporary, content);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** The directory is there nearly always. */
function writeNew(path: string, content: string): void {
  const options = { flag: 'wx', mode: 0o600 } as const;
  try {
    writeFileSync(path, content, options);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(path, content, options);
  }
}
