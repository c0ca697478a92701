import { createHash } from 'node:crypto';
import type { BackendContext } from '../context.ts';
import { ignoring } from './ignoring.ts';
import { attributesOf, bodiesOf, type NetlinkMessage, text } from './netlink/message.ts';
import type { NetworkNamespace } from './netlink/namespace.ts';
import { type NetlinkSocket, visitNamespace, withNetlink } from './netlink/socket.ts';
import { generationIn, getGeneration, listTable } from './nft/batch.ts';
import { inNodeNetwork, type NodeNetwork } from './node-network.ts';
import type { RulesetSeal } from './seal-state.ts';

/** Changes elements of our table. What somebody else changed meanwhile leaves the seal broken. */
export async function commitElements(
  { network: { seal } }: Pick<BackendContext, 'network'>,
  netfilter: NetlinkSocket,
  stage: string,
  messages: readonly NetlinkMessage[],
): Promise<void> {
  await netfilter.talk(stage, messages);
  const now = await readGeneration(netfilter);
  const isOurs = seal.generation !== null && (now === seal.generation || now === seal.generation + 1);
  seal.generation = isOurs ? now : null;
  seal.portrait = null;
}

/** Puts a new table in place, after which all is as it should be. @param sets names of the table's sets. */
export async function commitTable(
  { network: { seal } }: Pick<BackendContext, 'network'>,
  netfilter: NetlinkSocket,
  {
    stage,
    messages,
    sets,
  }: { readonly stage: string; readonly messages: readonly NetlinkMessage[]; readonly sets: readonly string[] },
): Promise<void> {
  const before = await readGeneration(netfilter);
  seal.generation = null;
  await netfilter.talk(stage, messages);
  const after = await readGeneration(netfilter);
  Object.assign(seal, { generation: after === before + 1 ? after : null, portrait: null, sets });
}

/** @returns whether our table is as this process made it. To be called within the lock of what sandboxes share. */
export function isIntact(context: Pick<BackendContext, 'network'>): Promise<boolean> {
  const { network } = context;
  return inNodeNetwork(network, (namespace) =>
    withNetlink(namespace, 'netfilter', (netfilter) => compare(network, namespace, netfilter)),
  );
}

async function compare(
  { seal, table }: NodeNetwork,
  namespace: NetworkNamespace,
  netfilter: NetlinkSocket,
): Promise<boolean> {
  const now = await readGeneration(netfilter);
  const isUntouched = now === seal.generation;
  if (isUntouched && seal.portrait !== null) return true;
  if (!isUntouched && seal.portrait === null) return false;
  const portrait = await paint(seal, table, namespace);
  // Somebody may have changed it while it was looked at: the next look tells.
  if ((await readGeneration(netfilter)) !== now) return isUntouched;
  if (isUntouched) seal.portrait = portrait;
  else if (portrait !== null && portrait === seal.portrait) seal.generation = now;
  return portrait !== null && portrait === seal.portrait;
}

async function readGeneration(netfilter: NetlinkSocket): Promise<number> {
  return generationIn(await netfilter.talk('read ruleset generation', getGeneration()));
}

const FAMILY_HEADER_BYTES = 4;
const TABLE = 1;
const ELEMENTS = 3;

/** @returns a digest of all there is in a table, or null when there is none. */
async function paint({ sets }: RulesetSeal, table: string, namespace: NetworkNamespace): Promise<string | null> {
  const hash = createHash('sha256');
  for (const [index, question] of listTable(table, sets).entries()) {
    const answer = await ignoring('ENOENT', visitNamespace(namespace, 'list table', question, 'netfilter'));
    if (answer === null) return null;
    // The kernel lists the chains of all tables, whichever it was asked for.
    const bodies = bodiesOf(answer)
      .map((body) => body.subarray(FAMILY_HEADER_BYTES))
      .filter((body) => attributesOf(body).some(({ type, value }) => type === TABLE && value.equals(text(table))));
    // Elements come in no order, and in as many messages as they need; rules have theirs.
    const parts = index < 3 ? bodies : bodies.flatMap(elementsOf).sort(Buffer.compare);
    hash.update(`${index}/${parts.length}/`);
    for (const part of parts) hash.update(`${part.length}/`).update(part);
  }
  return hash.digest('hex');
}

function elementsOf(body: Buffer): readonly Buffer[] {
  return attributesOf(body)
    .filter(({ type }) => type === ELEMENTS)
    .flatMap(({ value }) => attributesOf(value).map((element) => element.value));
}
