import { appendFile, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { followLog } from '../../agent/cli/log/follow-log.ts';
import { createLineReader } from '../../agent/cli/log/log-line.ts';
import { type LogPosition, readTail } from '../../agent/cli/log/read-tail.ts';
import { makeTempDir, type TempDir } from '../world/temp-dir.ts';

const TIME = '2026-01-01T00:00:00.000000000Z';
const line = (text: string, tag = 'F', stream = 'stdout'): string => `${TIME} ${stream} ${tag} ${text}\n`;

let directory: TempDir;
let path: string;

beforeEach(async () => {
  directory = await makeTempDir();
  path = join(directory.path, 'app.log');
});
afterEach(() => directory.remove());

/** What this process has read so far, from whatever file (proc_pid_io(5)). */
const bytesRead = async (): Promise<number> =>
  Number(/^rchar: (\d+)$/m.exec(await readFile('/proc/self/io', 'utf8'))?.[1]);
const tail = async (count: number): Promise<readonly string[]> =>
  (await readTail(path, count)).lines.map(({ text }) => text);

describe('lines', () => {
  const read = (...pieces: readonly (string | Uint8Array)[]): readonly string[] => {
    const reader = createLineReader();
    return pieces.flatMap((piece) => reader.read(Buffer.from(piece)).map(({ stream, text }) => `${stream}: ${text}`));
  };

  test('are whole, however the log is cut into pieces', () => {
    const bytes = Buffer.from(line('größer') + line('zwei', 'F', 'stderr'));
    for (let cut = 0; cut <= bytes.length; cut++) {
      expect(read(bytes.subarray(0, cut), bytes.subarray(cut))).toEqual(['stdout: größer', 'stderr: zwei']);
    }
  });

  test('that were logged in parts are put together, each stream for itself', () => {
    const log = line('a', 'P') + line('x', 'P', 'stderr') + line('b', 'P') + line('y', 'F', 'stderr') + line('c');
    expect(read(log)).toEqual(['stderr: xy', 'stdout: abc']);
    expect(read(line('a', 'P'), line('b'))).toEqual(['stdout: ab']);
  });

  test('keep spaces, and may be empty', () => {
    expect(read(line(''), line('  a  b '))).toEqual(['stdout: ', 'stdout:   a  b ']);
  });

  test('of another form are skipped', () => {
    expect(read('nonsense\n', `${TIME} stdin F a\n`, line('a'))).toEqual(['stdout: a']);
  });

  test('without an end are not kept forever', () => {
    const part = 'x'.repeat(16_384);
    const reader = createLineReader();
    const lines = Array.from({ length: 100 }, () => reader.read(Buffer.from(line(part, 'P')))).flat();
    expect(lines.map(({ text }) => text.length)).toEqual([1024 * 1024]);
  });
});

describe('the last lines', () => {
  test('are as many as are wanted, or all', async () => {
    await writeFile(path, ['a', 'b', 'c'].map((text) => line(text)).join(''));
    expect([await tail(2), await tail(9), await tail(0)]).toEqual([['b', 'c'], ['a', 'b', 'c'], []]);
  });

  test('reach back into rotated files', async () => {
    await writeFile(`${path}.2`, line('a') + line('b'));
    await writeFile(`${path}.1`, line('c') + line('d', 'P'));
    await writeFile(path, line('e') + line('f'));
    expect(await tail(3)).toEqual(['c', 'de', 'f']);
    expect(await tail(100)).toEqual(['a', 'b', 'c', 'de', 'f']);
    await rm(path);
    expect(await tail(1)).toEqual(['c']);
  });

  test('of a big log are found without reading all of it', async () => {
    await writeFile(path, line('x'.repeat(1_000)).repeat(20_000) + line('last', 'P') + line(' line'));
    const before = await bytesRead();
    expect((await tail(100)).map((text) => text.length)).toEqual([...Array(99).fill(1_000), 9]);
    expect((await bytesRead()) - before).toBeLessThan(4 * 1024 * 1024);
  });

  test('of a line of many parts are found however far back it begins', async () => {
    const part = 'p'.repeat(10_000);
    await writeFile(path, line('first') + line(part, 'P').repeat(50) + line('end'));
    expect((await tail(1))[0]).toHaveLength(500_003);
  });

  test('of no log are none', async () => {
    expect(await readTail(path, 5)).toEqual({ lines: [], end: { inode: null, offset: 0 } });
  });
});

describe('following', () => {
  let seen: string[];
  let ended: AbortController;
  let following: Promise<void>;

  beforeEach(() => {
    seen = [];
    ended = new AbortController();
  });
  afterEach(async () => {
    ended.abort();
    await following;
  });

  const follow = (from: LogPosition): void => {
    following = followLog(path, from, ({ text }) => seen.push(text), ended.signal);
  };
  const until = async (...lines: readonly string[]): Promise<void> => {
    for (let patience = 100; patience > 0 && seen.length < lines.length; patience--) await sleep(20);
    expect(seen).toEqual(lines);
  };

  test('goes on where the last lines ended, and misses nothing written meanwhile', async () => {
    await writeFile(path, line('a'));
    const { end } = await readTail(path, 10);
    await appendFile(path, line('b'));
    follow(end);
    await until('b');
    await appendFile(path, line('c', 'P'));
    await sleep(250);
    await appendFile(path, line('d').slice(0, 5));
    await sleep(250);
    await appendFile(path, line('d').slice(5));
    await until('b', 'cd');
  });

  test('reads a file that is moved aside to its end, and those that came after it', async () => {
    await writeFile(path, line('a'));
    follow((await readTail(path, 10)).end);
    await sleep(50);
    await appendFile(path, line('b'));
    await rename(path, `${path}.2`);
    await writeFile(`${path}.1`, line('c'));
    await writeFile(path, line('d'));
    await until('b', 'c', 'd');
    await appendFile(path, line('e'));
    await until('b', 'c', 'd', 'e');
  });

  test('finds the file again that was moved aside before it began', async () => {
    await writeFile(path, line('a'));
    const { end } = await readTail(path, 10);
    await appendFile(path, line('b'));
    await rename(path, `${path}.1`);
    await writeFile(path, line('c'));
    follow(end);
    await until('b', 'c');
  });

  test('waits for a log that is not there yet, and for one that was removed', async () => {
    follow((await readTail(path, 10)).end);
    await sleep(50);
    await writeFile(path, line('a'));
    await until('a');
    await rm(path);
    await sleep(250);
    await writeFile(path, line('b'));
    await until('a', 'b');
  });

  test('goes on after a line was taken back', async () => {
    await writeFile(path, line('a') + line('b').slice(0, 10));
    follow({ inode: null, offset: 0 });
    await until('a');
    await truncate(path, line('a').length);
    await sleep(250);
    await appendFile(path, line('c'));
    await until('a', 'c');
  });
});
