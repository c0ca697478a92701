import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { waitUntil } from '../../native/process/wait-until.ts';
import { patience } from '../world/patience.ts';
import { type BundleStage, expectSuccess, openBundleStage } from './bundle-stage.ts';

const MAIN = join(import.meta.dirname, '../../native/runtime/main.ts');
const SHOWS_SIZE = 'busybox stty size; read line; echo got $line';
const RESIZED = 'until busybox stty size | busybox grep -q "^44 55"; do sleep 0.1; done; echo resized';

let stage: BundleStage;
let outer: ChildProcess | null = null;
beforeEach(async () => {
  stage = await openBundleStage();
});
afterEach(async () => {
  outer?.kill('SIGKILL');
  outer = null;
  await stage.close();
});

/** A person at a terminal of 33 rows and 44 columns, who runs one command of the runtime. */
interface Person {
  type(text: string): void;
  until(text: string): Promise<void>;
  /** How stty describes the terminal now. */
  settings(): string;
  resize(rows: number, columns: number): void;
  /** @returns all of what was shown, once the command has ended. */
  end(): Promise<string>;
}

function sitAtTerminal(...args: readonly string[]): Person {
  const ttyFile = join(stage.directory, 'tty');
  const words = [process.execPath, MAIN, '--root', join(stage.directory, 'run'), ...args];
  const command = words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
  const script = `tty > ${ttyFile}; stty rows 33 cols 44; ${command}; echo status $?; stty -a | tr '\\n' ' '`;
  const child = spawn('script', ['--quiet', '--command', script, '/dev/null'], {
    cwd: stage.bundle,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  outer = child;
  let shown = '';
  child.stdout.on('data', (chunk) => {
    shown += chunk;
  });
  const stty = (...words: readonly string[]): string =>
    execFileSync('stty', ['-F', execFileSync('cat', [ttyFile], { encoding: 'utf8' }).trim(), ...words], {
      encoding: 'utf8',
    });
  return {
    type: (text) => child.stdin.write(text),
    until: async (text) => {
      const isShown = await waitUntil(async () => shown.includes(text), patience(20_000));
      if (!isShown) throw new Error(`${JSON.stringify(text)} was not shown: ${JSON.stringify(shown)}`);
    },
    settings: () => stty('-a'),
    resize: (rows, columns) => void stty('rows', String(rows), 'columns', String(columns)),
    end: async () => {
      if (child.exitCode === null) await once(child, 'exit');
      return shown;
    },
  };
}

describe('a terminal that no engine takes', () => {
  test('is the one of whoever runs the container: keys, output, size and status pass, and it is as it was after', async () => {
    await stage.configure(
      `${SHOWS_SIZE}; ${RESIZED}; trap "echo interrupted; exit 9" INT; echo ready; sleep 1000`,
      (config) => {
        config.process.terminal = true;
      },
    );
    const person = sitAtTerminal('run', 'c');
    await person.until('33 44');
    person.type('hello\r');
    await person.until('got hello');
    expect(person.settings()).toMatch(/-icanon.*-echo\b/s);
    person.resize(44, 55);
    await person.until('ready');
    person.type('\u0003');
    const shown = await person.end();
    expect(shown).toMatch(/resized.*interrupted\r\nstatus 9\r\n.* icanon.* echo\b/s);
    expect((await stage.runtime('list', '-q')).stdout).toBe('');
  });

  test('is the one of whoever runs a program in it', async () => {
    await stage.configure('sleep 1000');
    await expectSuccess(stage.runtime('run', '-d', 'c'));
    const person = sitAtTerminal('exec', '-t', 'c', 'sh', '-c', `${SHOWS_SIZE}; ${RESIZED}; exit 5`);
    await person.until('33 44');
    person.type('hello\r');
    await person.until('got hello');
    person.resize(44, 55);
    expect(await person.end()).toMatch(/resized\r\nstatus 5\r\n.* icanon.* echo\b/s);
  });

  test('carries what is piped in and out, to the last byte', async () => {
    await stage.configure('sleep 1000');
    await expectSuccess(stage.runtime('run', '-d', 'c'));
    const all = await stage.runtime('exec', '-t', 'c', 'busybox', 'seq', '1', '5000');
    expect(all.status).toBe(0);
    expect(all.stdout.split('\r\n')).toHaveLength(5001);
    expect(all.stdout).toMatch(/\r\n5000\r\n$/);
  });

  test('is refused to what nobody waits for', async () => {
    await stage.configure('true', (config) => {
      config.process.terminal = true;
    });
    for (const command of [['create'], ['run', '--detach']]) {
      const { status, stderr } = await stage.runtime(...command, 'c');
      expect([status, stderr]).toEqual([1, expect.stringContaining('--console-socket is needed')]);
    }
  });
});

test('spec writes a config.json that runs, and leaves one that is there', async () => {
  const bundle = join(stage.directory, 'other');
  execFileSync('mkdir', [bundle]);
  execFileSync('cp', ['-a', stage.rootfs, join(bundle, 'rootfs')]);
  await expectSuccess(stage.runtime('spec', '--bundle', bundle));
  const written = await readFile(join(bundle, 'config.json'), 'utf8');
  const again = await stage.runtime('spec', '--bundle', bundle);
  expect(again).toMatchObject({ status: 1, stderr: expect.stringContaining('exists already') });
  expect(await readFile(join(bundle, 'config.json'), 'utf8')).toBe(written);
  const person = sitAtTerminal('run', '--bundle', bundle, 'w');
  await person.until('/ # ');
  person.type('hostname; exit 3\r');
  expect(await person.end()).toMatch(/holdfast\r\nstatus 3\r\n/);
});
