import type { Resource } from './resource.ts';
import type { Workload } from './workload.ts';

/** A place in a file: `line` and `column` count from 1. */
export interface SourcePosition {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** One thing wrong in the input. All problems of a revision are reported at once. */
export interface Problem extends SourcePosition {
  /** Field path as written by the user: `spec.template.spec.containers[0].image`; empty for the document itself. */
  readonly path: string;
  /** What is wrong, what was expected, and what to do. */
  readonly message: string;
}

/** Where a workload was written, so that a verdict on the IR can point at the line in Git. Plain JSON. */
export interface Origin {
  readonly file: string;
  /** Path of the pod spec in the document: `spec` for a Pod, `spec.template.spec` for a Deployment. */
  readonly podPath: string;
  /** Position of every field that was written, by its full path: where its key begins, or the list item. */
  readonly positions: Readonly<Record<string, { readonly line: number; readonly column: number }>>;
}

/** A workload with where it came from. */
export interface LocatedWorkload {
  readonly workload: Workload;
  readonly origin: Origin;
}

/** A resource with where it came from. */
export interface LocatedResource {
  readonly resource: Resource;
  readonly origin: Pick<Origin, 'file' | 'positions'>;
}

/**
 * Finds the line for a field of the pod spec.
 * @param podField path within the pod spec, such as `containers[0].securityContext.privileged`; `` is the pod itself.
 * @returns the position of the field, or of the pod-level field a container inherits its value from, with that path;
 * else the position of the nearest ancestor that was written, with the path asked for.
 */
export function locate(origin: Origin, podField: string): SourcePosition & { readonly path: string } {
  const path = podField === '' ? origin.podPath : `${origin.podPath}.${podField}`;
  const source = `${origin.podPath}.${podField.replace(CONTAINER_SECURITY, 'securityContext.')}`;
  const inherited = origin.positions[source];
  if (inherited && !origin.positions[path]) return { file: origin.file, ...inherited, path: source };
  return { ...placeOf(origin, path), path };
}

/** @returns the place of a field, by its full path, or of its nearest ancestor that was written. */
export function placeOf({ file, positions }: LocatedResource['origin'], path: string): SourcePosition {
  for (let probe = path; ; probe = parentPath(probe)) {
    const position = positions[probe];
    if (position) return { file, ...position };
    if (probe === '') return { file, line: 1, column: 1 };
  }
}

const CONTAINER_SECURITY = /^(?:initContainers|containers)\[\d+\]\.securityContext\./;

function parentPath(path: string): string {
  const cut = Math.max(path.lastIndexOf('.'), path.lastIndexOf('['));
  return cut <= 0 ? '' : path.slice(0, cut);
}

/** @returns a problem as compilers print one: `file:line:column: path: message`. */
export function formatProblem(problem: Problem): string {
  const where = `${problem.file}:${problem.line}:${problem.column}`;
  return problem.path === '' ? `${where}: ${problem.message}` : `${where}: ${problem.path}: ${problem.message}`;
}
