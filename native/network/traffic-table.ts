import type { AddressRange, AllowedTraffic, PortRange, ServiceSpec } from '../backend.ts';
import type { SandboxRecord, TrafficRecord } from '../records/records.ts';
import { addressBytes } from './addresses.ts';
import type { Element, FieldType } from './nft/batch.ts';
import {
  compare,
  type Expression,
  family,
  lookup,
  meta,
  payload,
  redirect,
  translate,
  turn,
  verdict,
  word,
} from './nft/expressions.ts';
import { DESTINATION, DESTINATION_PORT, PROTOCOLS, portBytes, SOURCE, versionOf } from './packet.ts';
import type { TrafficTable } from './ruleset.ts';

/** What traffic rules come to: rules with sets of their own, and elements of these and of the common sets. */
export interface CompiledTraffic {
  readonly table: TrafficTable;
  readonly elements: readonly Element[];
}

interface Ground {
  readonly sandboxes: readonly SandboxRecord[];
  /** The link name of a network's bridge. */
  readonly bridgeOf: (network: string) => string;
}

type Rule = readonly Expression[];
type Side = typeof SOURCE | typeof DESTINATION;

/** Adds sets of which each has a name of its own. */
interface SetMaker {
  readonly sets: TrafficTable['sets'][number][];
  readonly elements: Element[];
}

/** @returns the rules for sandboxes as they are on record: one that is not there has no address, and is in no rule. */
export function compileTraffic({ rules, addresses }: TrafficRecord, ground: Ground): CompiledTraffic {
  const made: SetMaker = { sets: [], elements: [] };
  const of = (direction: AllowedTraffic['direction']): readonly Rule[] =>
    rules.allowed
      .filter((allowed) => allowed.direction === direction)
      .flatMap((allowed) => ([4, 6] as const).flatMap((version) => allowRules(allowed, version, { ...ground, made })));
  const ingress = of('ingress');
  const egress = of('egress');
  const services = rules.services.flatMap((service) =>
    service.networks.flatMap((network) =>
      serviceRules(service, network, addresses[network]?.[service.name], { ...ground, made }),
    ),
  );
  return {
    table: {
      sets: made.sets,
      ingress,
      egress,
      arriving: services.map(({ from, rule }) => [...from, ...rule]),
      leaving: services.map(({ rule }) => rule),
    },
    elements: made.elements,
  };
}

/** @returns the sandbox's addresses, on one network or on all. */
export function addressesIn(sandbox: SandboxRecord | undefined, version: 4 | 6, network?: string): readonly string[] {
  if (typeof sandbox?.network !== 'object') return [];
  return sandbox.network.networks
    .filter(({ name }) => network === undefined || name === network)
    .flatMap(({ ipv4, ipv6 }) => (version === 4 ? ipv4 : ipv6) ?? []);
}

interface Compilation extends Ground {
  readonly made: SetMaker;
}

function allowRules(allowed: AllowedTraffic, version: 4 | 6, ground: Compilation): readonly Rule[] {
  const [own, other] = allowed.direction === 'ingress' ? [DESTINATION, SOURCE] : [SOURCE, DESTINATION];
  const subjects = membersRule(allowed.subjects, own, version, ground);
  if (subjects === null) return [];
  const peers = peerRules(allowed.peers, other, version, ground);
  const ports = allowed.ports === null ? [[]] : allowed.ports.map(portRule);
  return peers.flatMap((peer) =>
    ports.map((port) => [...family(version), ...subjects, ...peer, ...port, verdict('return')]),
  );
}

function peerRules(peers: AllowedTraffic['peers'], side: Side, version: 4 | 6, ground: Compilation): readonly Rule[] {
  if (peers === null) return [[]];
  const members = membersRule(peers.sandboxes, side, version, ground);
  const ranges = peers.ranges.flatMap((range) => rangeRule(range, side, version));
  return members === null ? ranges : [members, ...ranges];
}

/** @returns what goes on for an address of one of these sandboxes; null when they have none of that family. */
function membersRule(
  ids: readonly string[],
  side: Side,
  version: 4 | 6,
  { sandboxes, made }: Compilation,
): Rule | null {
  const wanted = new Set(ids);
  const members = sandboxes.filter(({ id }) => wanted.has(id)).flatMap((sandbox) => addressesIn(sandbox, version));
  if (members.length === 0) return null;
  const name = newSet(made, [`address${version}`]);
  for (const address of members) made.elements.push({ set: name, key: addressBytes(address) });
  return [payload('network', side[version], 1), lookup('in', name)];
}

function rangeRule({ first, last }: AddressRange, side: Side, version: 4 | 6): readonly Rule[] {
  const [low, high] = [addressBytes(first), addressBytes(last)];
  if (versionOf(low) !== version) return [];
  return [[payload('network', side[version], 1), compare('at least', low), compare('at most', high)]];
}

function portRule({ protocol, first, last }: PortRange): Rule {
  return [
    meta('protocol', 1),
    compare('equal', Buffer.from([PROTOCOLS[protocol]])),
    payload('transport', DESTINATION_PORT, 1),
    compare('at least', portBytes(first).subarray(0, 2)),
    compare('at most', portBytes(last).subarray(0, 2)),
  ];
}

interface ServiceRule {
  /** Goes on for what comes from the network's own sandboxes. */
  readonly from: Rule;
  readonly rule: Rule;
}

/** Connections to a service's address are shared out among its backends of the network, one after the other. */
function serviceRules(
  service: ServiceSpec,
  network: string,
  own: { readonly ipv4: string; readonly ipv6: string | null } | undefined,
  ground: Compilation,
): readonly ServiceRule[] {
  if (service.isHeadless || own === undefined) return [];
  return ([4, 6] as const).flatMap((version) => {
    const address = version === 4 ? own.ipv4 : own.ipv6;
    if (address === null) return [];
    const bytes = addressBytes(address);
    ground.made.elements.push({ set: `services${version}`, key: bytes });
    return service.ports.flatMap(({ protocol, port }, index) => {
      const targets = targetsOf(service, index, { network, version }, ground);
      if (targets.length === 0) return [];
      const map = newSet(ground.made, ['turn'], [`address${version}`, 'port']);
      for (const [n, data] of targets.entries()) ground.made.elements.push({ set: map, key: turnBytes(n), data });
      const rule = [
        ...family(version),
        payload('network', DESTINATION[version], 1),
        compare('equal', bytes),
        meta('protocol', 1),
        compare('equal', Buffer.from([PROTOCOLS[protocol]])),
        payload('transport', DESTINATION_PORT, 1),
        compare('equal', portBytes(port).subarray(0, 2)),
        turn(targets.length),
        translate(map),
        redirect(version, word(bytes.length / 4)),
      ];
      return [{ from: fromNetwork(ground.bridgeOf(network)), rule }];
    });
  });
}

function targetsOf(
  { backends }: ServiceSpec,
  index: number,
  { network, version }: { readonly network: string; readonly version: 4 | 6 },
  { sandboxes }: Ground,
): readonly Buffer[] {
  return backends.flatMap(({ sandbox: id, ports }) => {
    const port = ports[index];
    const sandbox = sandboxes.find((candidate) => candidate.id === id);
    if (port == null) return [];
    return addressesIn(sandbox, version, network).map((address) =>
      Buffer.concat([addressBytes(address), portBytes(port)]),
    );
  });
}

function fromNetwork(bridge: string): Rule {
  const name = Buffer.alloc(16);
  name.write(bridge);
  return [meta('inputName', 1), compare('equal', name)];
}

function turnBytes(n: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(n);
  return bytes;
}

function newSet(made: SetMaker, key: readonly FieldType[], data?: readonly FieldType[]): string {
  const name = `of${made.sets.length}`;
  made.sets.push(data ? { name, key, data } : { name, key });
  return name;
}
