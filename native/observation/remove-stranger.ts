import { join } from 'node:path';
import type { BackendContext } from '../context.ts';
import { BackendError } from '../errors.ts';
import { removeTree } from '../files/remove-tree.ts';
import { repairNetworks } from '../network/whole.ts';
import { observe } from './observe.ts';

/** Kills and removes what no record speaks for: the cgroup, and the remains of an unreadable record of that name. */
export async function removeStranger(context: BackendContext, id: string): Promise<void> {
  const [sandboxId = '', name] = id.split('/');
  await context.locks.run(sandboxId, async () => {
    await refuseOwn(context, id);
    await context.cgroups.kill(id);
    await context.cgroups.remove(id);
    if (name === undefined) {
      await removeTree(join(context.layout.containersDir, sandboxId));
      await removeTree(context.layout.sandboxDir(sandboxId));
      context.ids.release(sandboxId);
      await repairNetworks(context);
    } else if (id === `${sandboxId}/${name}`) {
      await removeTree(context.layout.rootsOf({ sandboxId, name }));
      await context.records.removeContainer({ sandboxId, name });
    }
  });
}

/** A path that is not plain is refused, as is everything of ours. */
async function refuseOwn(context: BackendContext, id: string): Promise<void> {
  const isPlain = id.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
  if (!isPlain)
    throw new BackendError('invalid-spec', 'remove stranger', `not a path below our root: ${JSON.stringify(id)}`);
  const { sandboxes } = await observe(context);
  const own = sandboxes.find((sandbox) => sandbox.id === id.split('/')[0]);
  if (own === undefined) return;
  const [, name] = id.split('/');
  const isOurs =
    name === undefined ||
    name === '.shim' ||
    name === '.exec' ||
    own.containers.some((container) => container.name === name);
  if (isOurs)
    throw new BackendError('invalid-spec', 'remove stranger', `${id} is no stranger: remove it as what it is`);
}
