import { readdir, readFile } from 'node:fs/promises';

/** Kilobytes, all three. */
export interface ProcessMemory {
  readonly rss: number;
  readonly pss: number;
  readonly private: number;
}

/** proc(5), /proc/pid/smaps_rollup. */
export async function readMemory(pid: number): Promise<ProcessMemory> {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8');
  const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0);
  return { rss: field('Rss'), pss: field('Pss'), private: field('Private_Clean') + field('Private_Dirty') };
}

/**
 * @param name how the process's name begins (proc_pid_comm(5)). @param mark a text in its command line or cgroups.
 * @returns the processes that have both.
 */
export async function processesOf(name: string, mark: string): Promise<readonly number[]> {
  const pids = (await readdir('/proc')).filter((each) => /^\d+$/.test(each)).map(Number);
  const isOne = await Promise.all(
    pids.map(async (pid) => {
      const read = (file: string): Promise<string> => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '');
      const [comm, command, groups] = await Promise.all([read('comm'), read('cmdline'), read('cgroup')]);
      const isMeant = comm.startsWith(name) && (command.includes(mark) || groups.includes(mark));
      // One that has ended and is not reaped yet has no memory.
      return isMeant && (await read('smaps_rollup')) !== '';
    }),
  );
  return pids.filter((_, index) => isOne[index]);
}
