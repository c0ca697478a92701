import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from '@jest/globals';
import type { Limits } from '../../native/backend.ts';
import { type CgroupDriver, createCgroupDriver } from '../../native/cgroup/driver.ts';
import { patience } from '../world/patience.ts';
import { type Program, startProgram } from '../world/program.ts';

export const NONE: Limits = { memoryBytes: null, cpuMillis: null, pids: null };
export const SOME: Limits = { memoryBytes: 64 * 2 ** 20, cpuMillis: 250, pids: 32 };

const WAIT_MS = patience(10_000);

/** The cgroup driver on this machine's kernel, below a root of the test's own. */
export interface CgroupStage {
  readonly driver: CgroupDriver;
  readonly root: string;
  /** Runs a shell script as a member of the group, in the hierarchies whose `cgroup.procs` are given. */
  runIn(group: string, script: string, entries?: readonly string[]): Promise<Program>;
  /** A control file of the group, in the hierarchy that has it; the first of several names that is there. */
  fileOf(group: string, ...names: readonly string[]): string;
  waitFor(isTrue: () => Promise<boolean>): Promise<void>;
  /** Ends the programs and removes the groups; fails when one is left. */
  close(): Promise<void>;
}

/** Opens a driver with a fresh root. */
export async function openCgroupStage(): Promise<CgroupStage> {
  const root = `/holdfast-test-${randomBytes(4).toString('hex')}`;
  const driver = await createCgroupDriver({ root });
  const programs: Program[] = [];
  return {
    driver,
    root,
    runIn: async (group, script, entries = driver.entryFiles(group)) => {
      const enter = entries.map((file) => `echo 0 > ${file} && `).join('');
      const args = ['sh', '-c', `${enter}echo entered; ${script}`];
      const program = await startProgram({ command: '/bin/busybox', args, ready: /entered/ });
      programs.push(program);
      return program;
    },
    fileOf: (group, ...names) => {
      const directories = driver.entryFiles(group).map(dirname);
      const path = names.flatMap((name) => directories.map((directory) => `${directory}/${name}`)).find(existsSync);
      if (path === undefined) throw new Error(`no hierarchy has ${names.join(' or ')}`);
      return path;
    },
    waitFor: async (isTrue) => {
      const deadline = Date.now() + WAIT_MS;
      while (!(await isTrue())) {
        if (Date.now() > deadline)
          throw new Error(`did not happen: ${isTrue}; ${programs.map((program) => program.output())}`);
        await sleep(10);
      }
    },
    close: async () => {
      await driver.kill('');
      await Promise.all(programs.map((program) => program.kill()));
      await driver.remove('');
      expect(driver.entryFiles('').map(dirname).filter(existsSync)).toEqual([]);
    },
  };
}
