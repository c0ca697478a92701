import { basename } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import {
  CODE,
  EMPTY_WORDS,
  FILE_NAME,
  LEFT_OUT_TEST,
  MACHINE_TEXT,
  MAX_FUNCTION_LINES,
  MAX_LINES,
  NAMES_BY_CONVENTION,
  TOP_LEVEL,
} from './rules.ts';
import { projectFiles, readProjectFile } from './sources.ts';

const BINARY = /\.(?:wasm|gz|tar|png|gpg)$/;

const files = projectFiles();

describe('files', () => {
  test('are short enough to read in one go', () => {
    const code = files.filter((path) => CODE.test(path));
    const tooLong = code.filter((path) => readProjectFile(path).split('\n').length - 1 > MAX_LINES);
    expect(tooLong).toEqual([]);
  });

  test('have names that say what they hold', () => {
    expect(files.filter((path) => !hasGoodName(path))).toEqual([]);
  });

  test.each([
    ['agent/images/pull-layer.ts', true],
    ['policies/packs/no_root_test.rego', true],
    ['native/Makefile', true],
    ['agent/string-utils.ts', false],
    ['agent/common/path.ts', false],
    ['agent/PodManager.ts', false],
  ])('%s: good name? %s', (path, good) => {
    expect(hasGoodName(path)).toBe(good);
  });

  test('at the top are only the known ones', () => {
    const top = new Set(files.map((path) => path.split('/')[0] ?? ''));
    expect([...top].filter((name) => !TOP_LEVEL.includes(name))).toEqual([]);
  });

  test('name no path of one machine and no mirror', () => {
    const named = files
      .filter((path) => !BINARY.test(path))
      .flatMap((path) =>
        readProjectFile(path)
          .split('\n')
          .map((line, index) => ({ at: `${path}:${index + 1}`, line })),
      )
      .filter(({ line }) => MACHINE_TEXT.test(line));
    expect(named).toEqual([]);
  });
});

describe('text of one machine', () => {
  test.each([
    [`const cache = '${'/root'}/.cache';`, true],
    [`see ${'/home'}/someone/holdfast`, true],
    ["'/proc/1/root/etc/passwd'", false],
    ['https://registry.example.org/app', false],
  ])('%s: found? %s', (line, found) => {
    expect(MACHINE_TEXT.test(line)).toBe(found);
  });
});

describe('package-lock.json', () => {
  const lock = JSON.parse(readProjectFile('package-lock.json'));
  const { dependencies, devDependencies, optionalDependencies } = JSON.parse(readProjectFile('package.json'));

  test('locks what package.json asks for', () => {
    expect(lock.packages['']).toMatchObject({ dependencies, devDependencies, optionalDependencies });
  });

  test('holds the digest of every package', () => {
    const entries = Object.entries<{ integrity?: string }>(lock.packages).filter(([path]) => path !== '');
    expect(entries.filter(([, entry]) => !entry.integrity?.startsWith('sha512-'))).toEqual([]);
  });
});

describe('functions', () => {
  test('of C fit on a screen', () => {
    const code = files.filter((path) => path.endsWith('.c'));
    expect(code.flatMap((path) => longFunctions(path, readProjectFile(path)))).toEqual([]);
  });

  test('a long C function is found', () => {
    const body = '  work();\n'.repeat(MAX_FUNCTION_LINES);
    const text = `static int short_one(void)\n{\n}\n\nint long_one(int a,\n             int b)\n{\n${body}}\n`;
    expect(longFunctions('a.c', text)).toEqual([`a.c:5 ${MAX_FUNCTION_LINES + 4} lines`]);
  });

  test('that are exported say what they do', () => {
    const sources = files.filter((path) => path.endsWith('.ts'));
    expect(sources.flatMap((path) => undocumented(path, readProjectFile(path)))).toEqual([]);
  });

  test('an exported function without a docstring is found', () => {
    const text = '/** Adds. */\nexport function add() {}\nexport async function sub() {}\nfunction own() {}\n';
    expect(undocumented('a.ts', text)).toEqual(['a.ts:3 export async function sub() {}']);
  });
});

describe('tests', () => {
  test('all run', () => {
    const tests = files.filter((path) => path.endsWith('.test.ts'));
    expect(tests.filter((path) => LEFT_OUT_TEST.test(readProjectFile(path)))).toEqual([]);
  });

  test.each(['skip', 'only', 'todo', 'failing'])('test.%s would be found', (word) => {
    expect(LEFT_OUT_TEST.test(`  test.${word}('a', () => {});`)).toBe(true);
    expect(LEFT_OUT_TEST.test(`describe.${word}.each([1])`)).toBe(true);
  });
});

/** A C function begins where a line begins with its type, and ends with the brace in the first column. */
function longFunctions(path: string, text: string): readonly string[] {
  let start = 0;
  return text.split('\n').flatMap((line, index) => {
    if (/^[A-Za-z_].*[^;:]$/.test(line)) start = index;
    const length = index - start + 1;
    return line === '}' && length > MAX_FUNCTION_LINES ? [`${path}:${start + 1} ${length} lines`] : [];
  });
}

function undocumented(path: string, text: string): readonly string[] {
  const lines = text.split('\n');
  return lines.flatMap((line, index) => {
    const isExported = /^export (?:async )?function\b/.test(line);
    return isExported && !lines[index - 1]?.endsWith('*/') ? [`${path}:${index + 1} ${line}`] : [];
  });
}

function hasGoodName(path: string): boolean {
  const name = basename(path);
  const words = path.toLowerCase().split(/[^a-z0-9]+/);
  return (
    (NAMES_BY_CONVENTION.includes(name) || FILE_NAME.test(name)) && !words.some((word) => EMPTY_WORDS.includes(word))
  );
}
