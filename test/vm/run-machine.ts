import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Boot, COURSES } from './boots.ts';
import { startMachine } from './machine.ts';
import { makeGuestWorld } from './make-world.ts';
import type { Check } from './messages.ts';

const ROOT = join(import.meta.dirname, '../..');
const VM = join(ROOT, '.cache/vm');

export interface Outcome {
  readonly passed: number;
  /** What failed and why, one text each. */
  readonly failures: readonly string[];
}

/** Makes the disks, boots them as the courses say, and collects what was checked. Needs root. */
export async function runMachine(say: (line: string) => void): Promise<Outcome> {
  await runScript('build.sh');
  const directory = await mkdtemp(join(VM, 'run-'));
  try {
    say('vm: making the disks of this run');
    const project = join(directory, 'project.img');
    await makeProjectDisk(directory, project);
    const outcome: MutableOutcome = { passed: 0, failures: [] };
    for (const course of COURSES) {
      const root = join(directory, 'root.img');
      await run('cp', '--sparse=always', join(VM, 'disk.img'), root);
      await runCourse(course, { drives: [root, project], outcome, say });
    }
    return outcome;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function makeProjectDisk(directory: string, image: string): Promise<void> {
  const world = join(directory, 'world');
  await mkdir(world);
  await makeGuestWorld(world);
  await runScript('project.sh', image, world);
}

interface MutableOutcome {
  passed: number;
  readonly failures: string[];
}

interface Course {
  readonly drives: readonly string[];
  readonly outcome: MutableOutcome;
  readonly say: (line: string) => void;
}

async function runCourse(boots: readonly Boot[], { drives, outcome, say }: Course): Promise<void> {
  for (const boot of boots) {
    say(`\nvm: booting: ${boot.phase}`);
    const ending = await runBoot(boot, drives, (check) => {
      say(`${check.isPassed ? '✓' : '✗'} ${check.suite}: ${check.name} (${check.durationMs} ms)`);
      if (check.isPassed) outcome.passed += 1;
      else outcome.failures.push(`${check.suite}: ${check.name}\n${check.detail}`);
    });
    if (ending.how === boot.ending) continue;
    outcome.failures.push(`${boot.phase} ended with "${ending.how}", not with "${boot.ending}":\n${ending.console}`);
    return;
  }
}

interface Ending {
  /** `off`: the machine went off without a word, or ran too long. */
  readonly how: Boot['ending'] | 'off';
  /** The last lines of the console. */
  readonly console: string;
}

async function runBoot(boot: Boot, drives: readonly string[], onCheck: (check: Check) => void): Promise<Ending> {
  const consoleFile = join(VM, `console-${boot.phase}.log`);
  const files = { kernel: join(VM, 'kernel'), initrd: join(VM, 'initrd'), drives, consoleFile };
  const machine = startMachine({ ...files, boot });
  let how: Ending['how'] = 'off';
  for await (const message of machine.messages) {
    if (message.type === 'check') onCheck(message);
    else how = message.type;
    if (message.type === 'cut-power') await machine.cutPower();
  }
  await machine.cutPower();
  return { how, console: await machine.consoleTail() };
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
