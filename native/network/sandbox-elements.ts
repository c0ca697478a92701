import type { BridgedSandbox, TrafficRecord } from '../records/records.ts';
import { addressBytes } from './addresses.ts';
import type { Element } from './nft/batch.ts';
import { podMac } from './node-network.ts';
import { versionOf } from './packet.ts';
import { portRulesOf } from './place.ts';
import { placeElements, portElement } from './ruleset.ts';
import { guardsOf } from './traffic-of.ts';

/** @returns what the common sets hold of a sandbox: its addresses, its guards and its published ports. */
export function elementsOf(sandbox: BridgedSandbox, traffic: TrafficRecord): readonly Element[] {
  const guards = guardsOf(sandbox, traffic);
  const places = sandbox.network.networks.flatMap(({ ipv4, ipv6 }) => {
    const mac = podMac(addressBytes(ipv4));
    const addresses = ipv6 === null ? [ipv4] : [ipv4, ipv6];
    const guarded = addresses
      .map(addressBytes)
      .flatMap((key) => guards.map((direction): Element => ({ set: `${direction}${versionOf(key)}`, key })));
    return [...addresses.flatMap((address) => placeElements(mac, address)), ...guarded];
  });
  return [...places, ...portRulesOf(sandbox.network).map(portElement)];
}
