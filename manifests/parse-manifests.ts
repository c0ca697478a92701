import type { LocatedWorkload, Problem } from './origin.ts';
import { readManifest } from './read-manifest.ts';
import { workloadKey } from './workload.ts';
import { readYaml } from './yaml/read-yaml.ts';

/** A manifest file: YAML (`.yaml`, `.yml`), or JSON (`.json`). */
export interface ManifestText {
  /** Path in the repository, for messages. */
  readonly path: string;
  readonly text: string;
}

/** What the files of a revision say. The workloads may be run only when there are no problems. */
export interface ParsedManifests {
  /** Sorted by key. */
  readonly workloads: readonly LocatedWorkload[];
  /** Sorted by file and place. */
  readonly problems: readonly Problem[];
}

/** More help nobody, and would fill logs and status. */
const MOST_PROBLEMS = 1_000;

/**
 * Reads the manifests of a revision into the canonical IR. Strict: whatever is not understood is a problem, and all
 * problems of all files are found at once. The order of the files makes no difference. Never throws.
 */
export function parseManifests(files: readonly ManifestText[]): ParsedManifests {
  const problems: Problem[] = [];
  const workloads: LocatedWorkload[] = [];
  for (const { path, text } of [...files].sort((a, b) => compareText(a.path, b.path))) {
    const read = readYaml(path, text);
    problems.push(...read.problems);
    for (const document of read.documents) {
      const manifest = readManifest(document);
      problems.push(...manifest.problems);
      if (manifest.value) workloads.push(manifest.value);
    }
  }
  problems.push(...duplicates(workloads));
  return {
    workloads: workloads.sort((a, b) => compareText(workloadKey(a.workload), workloadKey(b.workload))),
    problems: shorten(problems.sort(comparePlaces)),
  };
}

function duplicates(workloads: readonly LocatedWorkload[]): readonly Problem[] {
  const firsts = new Map<string, LocatedWorkload>();
  return workloads.flatMap((located) => {
    const key = workloadKey(located.workload);
    const first = firsts.get(key);
    if (!first) {
      firsts.set(key, located);
      return [];
    }
    const { file, line } = namePlace(first);
    const message = `workload \`${key}\` is already defined in ${file}:${line}; rename one of them, or remove it`;
    return [{ ...namePlace(located), path: 'metadata.name', message }];
  });
}

function namePlace({ origin }: LocatedWorkload): Omit<Problem, 'path' | 'message'> {
  return { file: origin.file, line: 1, column: 1, ...origin.positions['metadata.name'] };
}

function shorten(problems: readonly Problem[]): readonly Problem[] {
  const last = problems[MOST_PROBLEMS];
  if (!last) return problems;
  const message = `and ${problems.length - MOST_PROBLEMS} more problems from here on; solve these first`;
  return [...problems.slice(0, MOST_PROBLEMS), { ...last, path: '', message }];
}

function comparePlaces(a: Problem, b: Problem): number {
  return compareText(a.file, b.file) || a.line - b.line || a.column - b.column || compareText(a.path, b.path);
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
