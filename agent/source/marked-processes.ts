import { readdir, readFile } from 'node:fs/promises';

/** The environment variable whose value marks a command and everything it starts. */
export const MARK = 'HOLDFAST_GIT_CALL';

/**
 * Ends at once every process that carries a mark. Git starts others (its http helper, ssh, gpg) which do not notice
 * that it is gone, and which nothing but the inherited environment ties to it.
 */
export async function killMarked(value: string): Promise<void> {
  const entry = `${MARK}=${value}`;
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  for (const pid of pids) {
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
    if (environment.split('\0').includes(entry)) kill(Number(pid));
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    // It ended by itself meanwhile.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
