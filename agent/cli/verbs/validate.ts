import { formatProblem, parseManifests, workloadKey } from '../../../manifests/index.ts';
import { type ExitCode, exitCode } from '../exit-code.ts';
import { print } from '../print.ts';
import { readManifests } from '../read-manifests.ts';
import type { VerbContext } from '../verb-context.ts';

/** Checks manifests as a commit's would be checked, all problems at once. Needs neither a node nor a configuration. */
export async function validate({ output, format }: VerbContext, paths: readonly string[]): Promise<ExitCode> {
  const files = await readManifests(paths);
  const { workloads, problems } = parseManifests(files);
  const isValid = problems.length === 0 && workloads.length > 0;
  const answer = {
    valid: isValid,
    files: files.length,
    workloads: workloads.map(({ workload }) => workloadKey(workload)),
    problems,
  };
  print(output, format, answer, () => {
    const count = `${files.length} files, ${workloads.length} workloads`;
    if (isValid) return `${count}: valid\n`;
    if (problems.length === 0) return `${count}: a commit without any workload is refused\n`;
    return `${problems.map((problem) => `${formatProblem(problem)}\n`).join('')}${problems.length} problems\n`;
  });
  return isValid ? exitCode.ok : exitCode.failed;
}
