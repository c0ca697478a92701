import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

/** A file of the project and what it names of others. Paths are relative to the repository's root. */
export interface Source {
  readonly path: string;
  readonly text: string;
  readonly imports: readonly Import[];
  /** Every relative `.ts` path in it: imports, and what it starts as a worker or a program. */
  readonly mentions: readonly string[];
}

export interface Import {
  /** As written: `node:fs`, `zod`, `../verdict.ts`. */
  readonly specifier: string;
  /** The imported file, when it is one of the project's own. */
  readonly path: string | undefined;
  readonly typeOnly: boolean;
}

const STATIC_IMPORT = /^(?:import|export)\s+(type\s)?(?:[^'";=]*?\sfrom\s+)?'([^']+)'/gm;
const DYNAMIC_IMPORT = /\bimport\(\s*'([^']+)'/g;
const RELATIVE_PATH = /['"`](\.\.?\/[\w./-]+\.ts)['"`]/g;

const ROOT = join(import.meta.dirname, '../..');

/** @returns the paths of all files that Git tracks or would track. */
export function projectFiles(): readonly string[] {
  const list = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '-z'], { cwd: ROOT, encoding: 'utf8' });
  return list.split('\0').filter((path) => path !== '' && existsSync(join(ROOT, path)));
}

/** @returns the text of a file of the project. */
export function readProjectFile(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** @returns every TypeScript file of the project. */
export function projectSources(): readonly Source[] {
  return projectFiles()
    .filter((path) => path.endsWith('.ts'))
    .map((path) => parseSource(path, readProjectFile(path)));
}

/** Reads what a TypeScript file imports and mentions. The formatter keeps imports in the one shape that is looked for. */
export function parseSource(path: string, text: string): Source {
  const fixed = [...text.matchAll(STATIC_IMPORT)].map((match) =>
    toImport(path, match[2] ?? '', match[1] !== undefined),
  );
  const dynamic = [...text.matchAll(DYNAMIC_IMPORT)].map((match) => toImport(path, match[1] ?? '', false));
  const mentions = [...text.matchAll(RELATIVE_PATH)].map((match) => resolveFrom(path, match[1] ?? ''));
  return { path, text, imports: [...fixed, ...dynamic], mentions };
}

function toImport(from: string, specifier: string, typeOnly: boolean): Import {
  return { specifier, path: specifier.startsWith('.') ? resolveFrom(from, specifier) : undefined, typeOnly };
}

function resolveFrom(from: string, specifier: string): string {
  return normalize(join(dirname(from), specifier));
}
