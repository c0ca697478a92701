import type { BackendContext } from '../context.ts';
import { BackendError } from '../errors.ts';
import { livingHolder } from '../sandbox/holder.ts';
import { reclaimPort } from './bridge.ts';
import { ignoring } from './ignoring.ts';
import { deleteLinkMessage, readLink } from './netlink/link.ts';
import { withNamespaceOf } from './netlink/namespace.ts';
import { withNetlink } from './netlink/socket.ts';
import { bridgeName, inNodeNetwork, portName } from './node-network.ts';
import { cardName, type Plug, plugIn, settleCard, setUpCard } from './plug.ts';

/**
 * Gives a living sandbox its cards as they were made. What is there is set right in place, and its connections go on; of a
 * card with an end missing what is left is removed, and a new one made with the same addresses.
 */
export async function reconnectSandbox(context: BackendContext, id: string): Promise<void> {
  await context.locks.run(id, async () => {
    const found = await context.records.sandbox(id);
    const holder = found.state === 'found' ? await livingHolder(context, found.record) : null;
    if (found.state !== 'found' || holder === null)
      throw new BackendError(
        'not-found',
        'reconnect sandbox',
        `sandbox ${id} does not exist or is dead: create it first`,
      );
    const { network: on } = found.record;
    if (typeof on !== 'object') return;
    // Nobody looks at networks meanwhile.
    await context.locks.run('', async () => {
      const networks = await context.records.networks();
      await inNodeNetwork(context.network, (node) =>
        withNamespaceOf(holder, async (pod) => {
          for (const [index, place] of on.networks.entries()) {
            const network = networks.find(({ name }) => name === place.name);
            if (network) await reconnect({ context, holder, node, pod, network, place, index });
          }
        }),
      );
    });
  });
}

async function reconnect(plug: Plug): Promise<void> {
  const { context, holder, node, pod, network, place, index } = plug;
  const stage = `join network ${network.name}`;
  const port = portName(context.network, holder, network.name);
  const card = await withNetlink(pod, 'route', (route) => ignoring('ENODEV', readLink(route, cardName(index))));
  const isWhole = await withNetlink(node, 'route', async (route) => {
    const [bridge, ours] = [
      await readLink(route, bridgeName(context.network, network.name)),
      await ignoring('ENODEV', readLink(route, port)),
    ];
    if (card !== null && ours !== null && ours.otherEnd === card.index) {
      await reclaimPort(context, route, { stage, port, bridgeIndex: bridge.index, place });
      return true;
    }
    if (ours !== null) await ignoring('ENODEV', route.talk(stage, [deleteLinkMessage(port)]));
    return false;
  });
  if (isWhole && card !== null) {
    settleCard(plug);
    await setUpCard(plug, card.index);
    return;
  }
  await withNetlink(pod, 'route', (route) =>
    ignoring('ENODEV', route.talk(stage, [deleteLinkMessage(cardName(index))])),
  );
  await plugIn(plug);
  settleCard(plug);
}
