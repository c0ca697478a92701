import { createApiClient } from '../../api/client.ts';
import { socketPath } from '../../api/socket-path.ts';
import { type ExitCode, exitCode } from '../exit-code.ts';
import type { VerbContext } from '../verb-context.ts';

export interface DebugOptions {
  readonly image: string;
  readonly target?: string;
  readonly user?: { readonly uid: number; readonly gid: number };
  readonly capAdd: readonly string[];
}

/** Has the agent attach a container to a running pod, and says how to get into it. */
export async function debug(
  { config, output, format }: VerbContext,
  pod: string,
  command: readonly string[],
  options: DebugOptions,
): Promise<ExitCode> {
  const { image, target = null, user = null, capAdd } = options;
  const api = createApiClient(socketPath(await config()));
  const attached = await api.debug({ target: pod, image, command, processesOf: target, user, capabilities: capAdd });
  if (format === 'json') output.write(`${JSON.stringify(attached)}\n`);
  else {
    output.write(`container ${attached.container} runs in pod ${attached.pod} until it ends, or the pod goes\n`);
    output.write(`  holdfast logs ${attached.pod} ${attached.container}\n`);
    output.write(`  holdfast exec -it --container ${attached.container} ${attached.pod} -- sh\n`);
  }
  return exitCode.ok;
}
