import { readFileSync } from 'node:fs';

/** A process together with its start time in clock ticks since boot, which tells it from later owners of its pid. */
export interface ProcessId {
  readonly pid: number;
  readonly startTime: number;
}

const STATE_FIELD = 3;
const START_TIME_FIELD = 22;

/**
 * @returns whether that very process still runs; a zombie does not.
 * @throws the file system's error when that cannot be known: one out of descriptors must not take the living for dead.
 */
export async function isAlive(process: ProcessId): Promise<boolean> {
  try {
    return isSameAndRunning(readFileSync(`/proc/${process.pid}/stat`, 'latin1'), process.startTime);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return false;
    throw error;
  }
}

/** @returns the id of this very process. */
export function ownProcessId(): ProcessId {
  return {
    pid: process.pid,
    startTime: Number(fieldsOf(readFileSync('/proc/self/stat', 'latin1'))[START_TIME_FIELD - 3]),
  };
}

function isSameAndRunning(stat: string, startTime: number): boolean {
  const fields = fieldsOf(stat);
  const state = fields[STATE_FIELD - 3];
  return Number(fields[START_TIME_FIELD - 3]) === startTime && state !== 'Z' && state !== 'X';
}

/** Fields as in proc_pid_stat(5), from the third on; the command name, field 2, may hold spaces and brackets. */
function fieldsOf(stat: string): readonly string[] {
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}
