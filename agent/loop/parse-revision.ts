import {
  hostPortProblems,
  immutableProblems,
  type LocatedResource,
  type LocatedWorkload,
  nodeTrafficProblems,
  type Problem,
  parseManifests,
  type RefusedRevision,
  selectForNode,
} from '../../manifests/index.ts';
import type { Revision } from '../source/source.ts';

/** The desired state of one commit, for one node. */
export interface ParsedRevision {
  readonly revision: Omit<Revision, 'files'>;
  readonly workloads: readonly LocatedWorkload[];
  /** Of the whole fleet: the workloads say which of them this node needs. */
  readonly resources: readonly LocatedResource[];
}

export type RevisionResult =
  | { readonly ok: true; readonly parsed: ParsedRevision }
  | { readonly ok: false; readonly refused: RefusedRevision };

/**
 * Reads the manifests of a commit, all or nothing: one problem anywhere refuses the whole commit.
 * A commit without any manifest is refused too, since it would remove everything and is nearly always a mistake.
 * @param applied what the applied revision declares, some of which must not change; nothing when none is known.
 */
export function parseRevision(
  revision: Revision,
  nodeLabels: Readonly<Record<string, string>>,
  applied: readonly LocatedResource[],
): RevisionResult {
  const { files, ...rest } = revision;
  const refuse = (code: string, message: string, problems: readonly Problem[]): RevisionResult => ({
    ok: false,
    refused: { commit: revision.commit, code, message, problems },
  });
  const { workloads, resources, problems: mistakes } = parseManifests(files);
  const problems = [...mistakes, ...immutableProblems(applied, resources)];
  if (problems.length > 0) return refuse('invalid-manifests', `${problems.length} problems in the manifests`, problems);
  if (workloads.length === 0) {
    return refuse(
      'empty-revision',
      'the commit has no workload at all; to remove the last one, stop the agent instead',
      [],
    );
  }
  const selected = selectForNode(workloads, nodeLabels);
  // Only here is it known which of them meet on this node.
  const clashes = hostPortProblems(selected);
  if (clashes.length > 0)
    return refuse('invalid-manifests', `${clashes.length} ports of this node are asked for twice`, clashes);
  const excess = nodeTrafficProblems(selected, resources);
  if (excess.length > 0)
    return refuse('invalid-manifests', 'more policies or services meet on this node than it can hold', excess);
  return { ok: true, parsed: { revision: rest, workloads: selected, resources } };
}
