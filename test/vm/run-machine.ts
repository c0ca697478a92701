import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import pLimit from 'p-limit';
import { type Boot, COURSES, type Course, type Release } from './boots.ts';
import { startMachine } from './machine.ts';
import { makeGuestWorld } from './make-world.ts';
import type { Check } from './messages.ts';
import { bootOnceMore, type Ending } from './once-more.ts';

const ROOT = join(import.meta.dirname, '../..');
const VM = join(ROOT, '.cache/vm');
/** Machines that are on at once: a guest that waits leaves its processors to the other. */
const AT_ONCE = 2;

export interface Outcome {
  readonly passed: number;
  /** What failed and why, one text each. */
  readonly failures: readonly string[];
}

/**
 * Makes the disks, boots them as the courses say, and collects what was checked. Needs root.
 * @param names of courses, all when there are none. @throws when there is no such course
 */
export async function runMachine(names: readonly string[], say: (line: string) => void): Promise<Outcome> {
  const courses = coursesOf(names);
  await mkdir(VM, { recursive: true });
  await removeAbandoned();
  for (const release of new Set(courses.map((course) => course.release))) await runScript('build.sh', release);
  const directory = await mkdtemp(join(VM, `run-${process.pid}-`));
  try {
    say('vm: making the disk of the project');
    const world = join(directory, 'world');
    await mkdir(world);
    await makeGuestWorld(world);
    await runScript('project.sh', join(directory, 'project.img'), world);
    const outcome: MutableOutcome = { passed: 0, failures: [] };
    const limit = pLimit(AT_ONCE);
    await limit.map(courses, (course) => runCourse(course, { directory, outcome, say }));
    return outcome;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** A run that was killed left its disks behind. */
async function removeAbandoned(): Promise<void> {
  for (const name of await readdir(VM)) {
    const pid = /^run-(\d+)-/.exec(name)?.[1];
    if (pid !== undefined && !existsSync(join('/proc', pid))) await rm(join(VM, name), { recursive: true });
  }
}

function coursesOf(names: readonly string[]): readonly Course[] {
  const unknown = names.filter((name) => !COURSES.some((course) => course.name === name));
  if (unknown.length > 0) {
    const known = COURSES.map(({ name }) => name).join(', ');
    throw new Error(`there is no course named ${unknown.join(', ')}: expected some of ${known}`);
  }
  return COURSES.filter(({ name }) => names.length === 0 || names.includes(name));
}

interface MutableOutcome {
  passed: number;
  readonly failures: string[];
}

interface Setting {
  /** Of this run's disks. */
  readonly directory: string;
  readonly outcome: MutableOutcome;
  readonly say: (line: string) => void;
}

async function runCourse({ name, release, boots }: Course, { directory, outcome, say }: Setting): Promise<void> {
  const disks = join(directory, name);
  await mkdir(disks);
  const [root, project] = [join(disks, 'root.img'), join(disks, 'project.img')];
  await run('cp', '--sparse=always', join(VM, release, 'disk.img'), root);
  await run('cp', '--sparse=always', join(directory, 'project.img'), project);
  const onCheck = (check: Check): void => {
    say(`${name}: ${check.isPassed ? '✓' : '✗'} ${check.suite}: ${check.name} (${check.durationMs} ms)`);
    if (check.isPassed) {
      outcome.passed += 1;
      return;
    }
    say(check.detail);
    outcome.failures.push(`${name}: ${check.suite}: ${check.name}\n${check.detail}`);
  };
  for (const boot of boots) {
    const startedAt = Date.now();
    say(`${name}: booting ${boot.phase}`);
    const ending = await bootOnceMore(
      () => switchOn(boot, { release, drives: [root, project] }, onCheck),
      (line) => say(`${name}: ${line}`),
    );
    say(`${name}: ${ending.how} after ${Math.round((Date.now() - startedAt) / 1000)} s`);
    if (ending.how === boot.ending) continue;
    const problem = `${boot.phase} ended with "${ending.how}", not with "${boot.ending}"`;
    outcome.failures.push(`${name}: ${problem}; the end of its console:\n${ending.console}`);
    break;
  }
  await rm(disks, { recursive: true });
}

interface Disks {
  readonly release: Release;
  readonly drives: readonly string[];
}

async function switchOn(boot: Boot, { release, drives }: Disks, onCheck: (check: Check) => void): Promise<Ending> {
  const consoleFile = join(VM, `console-${release}-${boot.phase}.log`);
  await rm(consoleFile, { force: true });
  const files = { kernel: join(VM, release, 'kernel'), initrd: join(VM, release, 'initrd'), drives, consoleFile };
  const machine = startMachine({ ...files, boot });
  let how: Ending['how'] = 'off';
  let isUp = false;
  for await (const message of machine.messages) {
    if (message.type === 'check') onCheck(message);
    else if (message.type === 'up') isUp = true;
    else how = message.type;
    if (message.type === 'cut-power') await machine.cutPower();
  }
  await machine.cutPower();
  return { how: machine.hasStalled() ? 'stalled' : how, isUp, console: await machine.consoleTail() };
}

function runScript(name: string, ...args: readonly string[]): Promise<void> {
  return run('bash', join(import.meta.dirname, 'disk', name), ...args);
}

/** @throws when it fails; its output is shown as it comes. */
async function run(command: string, ...args: readonly string[]): Promise<void> {
  const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} failed with status ${code}`);
}
