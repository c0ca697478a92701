import { checkReferences } from './check-references.ts';
import { networkProblems } from './network-problems.ts';
import type { LocatedResource, LocatedWorkload, Problem } from './origin.ts';
import { type Located, readManifest } from './read-manifest.ts';
import { resourceKey } from './resource.ts';
import { trafficProblems } from './traffic-problems.ts';
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
  /** Sorted by kind and name. */
  readonly resources: readonly LocatedResource[];
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
  const found: Located[] = [];
  for (const { path, text } of [...files].sort((a, b) => compareText(a.path, b.path))) {
    const read = readYaml(path, text);
    problems.push(...read.problems);
    for (const document of read.documents) {
      const manifest = readManifest(document);
      problems.push(...manifest.problems);
      if (manifest.value) found.push(manifest.value);
    }
  }
  problems.push(...duplicates(found));
  const sorted = found.sort((a, b) => compareText(keyOf(a), keyOf(b)));
  const workloads = sorted.filter((located) => 'workload' in located);
  const resources = sorted.filter((located) => 'resource' in located);
  problems.push(...networkProblems(workloads, resources), ...trafficProblems(resources));
  // A file that cannot be read may hold what others refer to.
  if (problems.length === 0) problems.push(...checkReferences(workloads, resources));
  return {
    workloads,
    resources,
    problems: shorten(problems.sort(comparePlaces)),
  };
}

function duplicates(found: readonly Located[]): readonly Problem[] {
  const firsts = new Map<string, Located>();
  return found.flatMap((located) => {
    const key = keyOf(located);
    const first = firsts.get(key);
    if (!first) {
      firsts.set(key, located);
      return [];
    }
    const { file, line } = namePlace(first);
    const what = 'workload' in located ? `workload \`${key}\`` : `${key.replace(' ', ' `')}\``;
    const message = `${what} is already defined in ${file}:${line}; rename one of them, or remove it`;
    return [{ ...namePlace(located), path: 'metadata.name', message }];
  });
}

/** Workloads share one space of names whatever their kind; so does each kind of resource. */
function keyOf(located: Located): string {
  return 'workload' in located ? workloadKey(located.workload) : resourceKey(located.resource);
}

function namePlace({ origin }: Located): Omit<Problem, 'path' | 'message'> {
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
