import type { NodeStatus } from '../../../manifests/index.ts';
import { type ApiError, createApiClient } from '../../api/client.ts';
import { socketPath } from '../../api/socket-path.ts';
import { openStateFiles } from '../../state/state-files.ts';
import { type ExitCode, exitCode } from '../exit-code.ts';
import { measureVolumes } from '../measure-volumes.ts';
import { print } from '../print.ts';
import { showPulls } from '../show-images.ts';
import { showContainers, showStatus } from '../show-status.ts';
import { showVolumes } from '../show-volumes.ts';
import type { VerbContext } from '../verb-context.ts';

/** Shows how the node stands. */
export async function status(context: VerbContext): Promise<ExitCode> {
  const answer = await currentStatus(context);
  const pulls = await createApiClient(socketPath(await context.config()))
    .images.pulls()
    .catch(() => []);
  const volumes = await measureVolumes(answer, await context.config());
  const shown = { ...answer, ...(answer.volumes && { volumes }), ...(pulls.length > 0 && { pulls }) };
  const below = `${showVolumes(volumes, answer)}${showPulls(pulls)}`;
  print(context.output, context.format, shown, (status) => `${showStatus(status)}${below}`);
  return verdict(answer);
}

/** Shows the node's containers. */
export async function statusOfContainers(context: VerbContext): Promise<ExitCode> {
  const answer = await currentStatus(context);
  print(context.output, context.format, answer, (shown) => showContainers(shown, Date.now()));
  return exitCode.ok;
}

/** Polls the source at once and shows where that led. */
export async function sync(context: VerbContext): Promise<ExitCode> {
  const answer = await createApiClient(socketPath(await context.config())).sync();
  print(context.output, context.format, answer, showStatus);
  return verdict(answer);
}

/** Asks the agent, or, when it is down, reads what it last wrote and says so. */
async function currentStatus({ config, output }: VerbContext): Promise<NodeStatus> {
  const loaded = await config();
  try {
    return await createApiClient(socketPath(loaded)).status();
  } catch (error) {
    const last =
      (error as ApiError).code === 'not-running' ? await openStateFiles(loaded.paths.state).readStatus() : null;
    if (last === null) throw error;
    output.error('holdfast: the agent is not running; this is the status it left\n');
    return last;
  }
}

function verdict({ conditions }: NodeStatus): ExitCode {
  return conditions.some(({ type, status: value }) => type === 'Synced' && value === 'True')
    ? exitCode.ok
    : exitCode.pending;
}
