import { formatProblem, parseManifests, workloadKey } from '../../../manifests/index.ts';
import { type ExitCode, exitCode } from '../exit-code.ts';
import { print } from '../print.ts';
import { readManifests } from '../read-manifests.ts';
import type { VerbContext } from '../verb-context.ts';

/** Checks manifests as a commit's would be checked, all problems at once. Needs neither a node nor a configuration. */
export async function validate({ output, format }: VerbContext, paths: readonly string[]): Promise<ExitCode> {
  const files = await readManifests(paths);
  const { workloads, problems } = parseManifests(files);
  const answer = { files: files.length, workloads: workloads.map(({ workload }) => workloadKey(workload)), problems };
  print(output, format, answer, () => {
    if (problems.length > 0)
      return `${problems.map((problem) => `${formatProblem(problem)}\n`).join('')}${problems.length} problems\n`;
    return `${files.length} files, ${workloads.length} workloads: valid\n`;
  });
  return problems.length > 0 ? exitCode.failed : exitCode.ok;
}
