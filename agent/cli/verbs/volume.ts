import { createApiClient } from '../../api/client.ts';
import { socketPath } from '../../api/socket-path.ts';
import { type ExitCode, exitCode } from '../exit-code.ts';
import { print } from '../print.ts';
import type { VerbContext } from '../verb-context.ts';

/** Removes volumes that Git does not declare any more, with all of their data. */
export async function discardVolumes(
  context: VerbContext,
  volumes: readonly { readonly namespace: string; readonly name: string }[],
): Promise<ExitCode> {
  const client = createApiClient(socketPath(await context.config()));
  let isDone = true;
  for (const volume of volumes) {
    const answer = await client.discardVolume(volume);
    isDone &&= answer.state === 'Removed';
    print(context.output, context.format, answer, ({ namespace, name, state }) =>
      state === 'Removed' ? `removed ${namespace}/${name}\n` : `${namespace}/${name} will be removed when that works\n`,
    );
  }
  return isDone ? exitCode.ok : exitCode.pending;
}
