import { describe, expect, test } from '@jest/globals';
import { forbiddenImports, importCycles, impurities, unreached } from './import-rules.ts';
import { ENTRY_POINT, ROOMS } from './rules.ts';
import { parseSource, projectFiles, projectSources, readProjectFile, type Source } from './sources.ts';

const sources = projectSources();

describe('rooms', () => {
  test('import only the rooms they may know, through the front door', () => {
    expect(forbiddenImports(sources)).toEqual([]);
  });

  test('are described in ARCHITECTURE.md as they are checked', () => {
    const rows = [...readProjectFile('ARCHITECTURE.md').matchAll(/^\| `(\w+)\/`\s*\|[^|]*\|([^|]*)\|/gm)];
    const names = ROOMS.map((room) => room.name);
    const told = rows.map(([, name, mayImport = '']) => ({
      name,
      mayImport: /\ball\b/.test(mayImport)
        ? names.filter((other) => other !== name)
        : names.filter((other) => new RegExp(`\\b${other}\\b`).test(mayImport)),
    }));
    expect(told).toEqual(
      ROOMS.map(({ name, mayImport }) => ({ name, mayImport: names.filter((n) => mayImport.includes(n)) })),
    );
  });

  test.each([
    ["import { a } from '../agent/index.ts';", 'manifests/a.ts'],
    ["import type { A } from '../manifests/index.ts';", 'native/a.ts'],
    ["import { a } from '../../policies/engine/a.ts';", 'agent/run/a.ts'],
    ["export * from '../test/world/a.ts';", 'agent/a.ts'],
    ["const a = await import('../native/index.ts');", 'controller/a.ts'],
    ["import './main.ts';", 'agent/a.ts'],
    ["import {\n  a,\n  type B,\n} from '../native/index.ts';", 'policies/a.ts'],
  ])('%s is refused in %s', (text, path) => {
    expect(forbiddenImports([parseSource(path, text)])).toHaveLength(1);
  });

  test.each([
    ["import { a } from '../manifests/index.ts';", 'policies/a.ts'],
    ["import { a } from './run/b.ts';", 'agent/a.ts'],
    ["import { a } from '../../agent/main.ts';", 'test/e2e/a.ts'],
    ["import { a } from 'zod';", 'manifests/a.ts'],
  ])('%s is allowed in %s', (text, path) => {
    expect(forbiddenImports([parseSource(path, text)])).toEqual([]);
  });
});

describe('files', () => {
  test('import each other in no circle', () => {
    expect(importCycles(sources)).toEqual([]);
  });

  test('a circle is found, types included', () => {
    const circle = [
      parseSource('agent/a.ts', "import { b } from './b.ts';"),
      parseSource('agent/b.ts', "import type { C } from './c.ts';"),
      parseSource('agent/c.ts', "export { a } from './a.ts';"),
    ];
    expect(importCycles(circle)).toEqual(['agent/a.ts -> agent/b.ts -> agent/c.ts -> agent/a.ts']);
  });

  test('outside test/ are all reached from an entry point, a front door or a script', () => {
    const code = sources.filter((source) => !source.path.startsWith('test/'));
    const frontDoors = ROOMS.map((room) => `${room.name}/index.ts`);
    expect(unreached(code, [...entryPoints(code), ...frontDoors, ...startedByScripts()])).toEqual([]);
  });

  test('of test/ are all reached from a test or a script', () => {
    const tests = sources.filter((source) => source.path.endsWith('.test.ts')).map((source) => source.path);
    const unused = unreached(sources, [...tests, ...entryPoints(sources), ...startedByScripts()]);
    expect(unused.filter((path) => path.startsWith('test/'))).toEqual([]);
  });

  test('an unused file is found, and a worker counts as used', () => {
    const files = [
      parseSource('agent/main.ts', "new Worker(new URL('./worker.ts', import.meta.url))"),
      parseSource('agent/worker.ts', ''),
      parseSource('agent/alone.ts', "import './worker.ts';"),
    ];
    expect(unreached(files, ['agent/main.ts'])).toEqual(['agent/alone.ts']);
  });
});

describe('pure places', () => {
  test('stay pure', () => {
    expect(impurities(sources)).toEqual([]);
  });

  test.each([
    ["import { readFile } from 'node:fs/promises';", 'manifests/a.ts'],
    ["import { createHash } from 'node:crypto';", 'agent/reconcile/a.ts'],
    ["import { run } from '../execute/run.ts';", 'agent/reconcile/a.ts'],
    ['const now = Date.now();', 'agent/drift/compare-limits.ts'],
    ['const wait = `$' + '{process.uptime()}`;', 'controller/rollout/a.ts'],
    ['setTimeout(go, 1);', 'agent/reconcile/a.ts'],
    ['const die = Math.random();', 'agent/reconcile/a.ts'],
  ])('%s is refused in %s', (text, path) => {
    expect(impurities([parseSource(path, text)])).toHaveLength(1);
  });

  test.each([
    ["import { createHash } from 'node:crypto';", 'manifests/a.ts'],
    ["import type { Backend } from '../../native/index.ts';", 'agent/reconcile/a.ts'],
    ["// the Date of the commit\nconst text = 'console.log';", 'agent/reconcile/a.ts'],
    ['const now = Date.now();', 'agent/execute/a.ts'],
  ])('%s is allowed in %s', (text, path) => {
    expect(impurities([parseSource(path, text)])).toEqual([]);
  });
});

function entryPoints(of: readonly Source[]): readonly string[] {
  return of.map((source) => source.path).filter((path) => ENTRY_POINT.test(path));
}

/** Source files that a shell script, a Makefile or a JSON file starts by their path. */
function startedByScripts(): readonly string[] {
  const scripts = projectFiles().filter((path) => /\.(?:sh|json)$|Makefile$|^\.ci\/run$/.test(path));
  const text = scripts.map(readProjectFile).join('\n');
  return sources.map((source) => source.path).filter((path) => text.includes(path));
}
