import { formatProblem } from '../../../manifests/index.ts';
import { type ApiError, createApiClient } from '../../api/client.ts';
import { socketPath } from '../../api/socket-path.ts';
import type { Preview } from '../../loop/preview.ts';
import type { ManifestFile } from '../../source/index.ts';
import { type ExitCode, exitCode } from '../exit-code.ts';
import { print } from '../print.ts';
import { readManifests } from '../read-manifests.ts';
import { showPlan } from '../show-plan.ts';
import type { VerbContext } from '../verb-context.ts';

/** Shows what the agent will do next, or what manifests of a working tree would make it do. */
export async function plan(context: VerbContext, paths: readonly string[]): Promise<ExitCode> {
  const preview = paths.length === 0 ? await pending(context) : await previewed(context, await readManifests(paths));
  if (!preview.ok) {
    print(context.output, context.format, preview, refusal);
    return exitCode.failed;
  }
  print(context.output, context.format, preview.plan, showPlan);
  return preview.plan.steps.length + preview.plan.blocked.length === 0 ? exitCode.ok : exitCode.pending;
}

async function pending(context: VerbContext): Promise<Preview> {
  const next = await createApiClient(socketPath(await context.config())).plan();
  if (next !== null) return { ok: true, plan: next };
  return {
    ok: false,
    code: 'no-revision',
    message: 'the agent has not taken a revision yet; see holdfast status',
    problems: [],
  };
}

/** The agent plans when it runs; else this process does, on the same state. Either way nothing is changed. */
async function previewed(context: VerbContext, files: readonly ManifestFile[]): Promise<Preview> {
  const config = await context.config();
  try {
    return await createApiClient(socketPath(config)).preview(files);
  } catch (error) {
    if ((error as ApiError).code !== 'not-running') throw error;
    const { withAgent } = await import('../../compose.ts');
    const silent = { ...config, telemetry: { ...config.telemetry, endpoint: undefined } };
    return withAgent(silent, (agent) => agent.preview(files));
  }
}

function refusal(preview: Extract<Preview, { ok: false }>): string {
  const problems = preview.problems.map((problem) => `${formatProblem(problem)}\n`).join('');
  return `${preview.code}: ${preview.message}\n${problems}`;
}
