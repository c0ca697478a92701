import { addressBytes } from './addresses.ts';
import type { Chain, Element, Table, TableSet } from './nft/batch.ts';
import {
  compare,
  type Expression,
  family,
  jump,
  lookup,
  masquerade,
  meta,
  payload,
  redirect,
  reject,
  toThisNode,
  tracked,
  translate,
  verdict,
  word,
} from './nft/expressions.ts';
import { DESTINATION, DESTINATION_PORT, PROTOCOLS, portBytes, SOURCE } from './packet.ts';

/** A network's bridge as the rules know it. */
export interface BridgeRules {
  readonly bridge: string;
  readonly isOutbound: boolean;
}

/** A port of the node and where its connections go. */
export interface PortRule {
  readonly protocol: 'tcp' | 'udp';
  /** Null is every address of the node, in the family of `podIp`. */
  readonly hostIp: string | null;
  readonly hostPort: number;
  readonly podIp: string;
  readonly podPort: number;
}

/** Families whose packets nobody forwarded before Holdfast had the kernel do it. */
export interface Guarded {
  readonly families: readonly (4 | 6)[];
}

/** Rules that depend on who may talk to whom: the rest is the same whatever there is. */
export interface TrafficTable {
  readonly sets: readonly TableSet[];
  /** Each ends in the verdict `return` for what is let through; the guards come after them. */
  readonly ingress: readonly (readonly Expression[])[];
  readonly egress: readonly (readonly Expression[])[];
  /** Translations of a service's address to that of a backend. */
  readonly arriving: readonly (readonly Expression[])[];
  readonly leaving: readonly (readonly Expression[])[];
}

const TRACKED = { establishedOrRelated: 0x6, redirected: 0x20 } as const;
const PRIORITY = { raw: -300, redirect: -100, filter: 0, masquerade: 100 } as const;
const ICMP4 = 1;
const ICMP6 = 58;
/** `ICMP_REDIRECT`, and the ICMPv6 types of neighbour discovery (RFC 4861), of which the last is a redirect. */
const REDIRECT4 = 5;
const DISCOVERY = { first: 133, last: 136, redirect: 137 } as const;
const LOOPBACK_NET = 127;
const LINK_LOCAL4 = Buffer.from([169, 254]);
const MAC_SOURCE = { offset: 6, length: 6 } as const;

const SETS: readonly TableSet[] = [
  { name: 'bridges', key: ['link'] },
  { name: 'outbound', key: ['link'] },
  { name: 'inward', key: ['link'] },
  { name: 'within', key: ['link', 'link'] },
  { name: 'places4', key: ['mac', 'address4'] },
  { name: 'places6', key: ['mac', 'address6'] },
  { name: 'itself4', key: ['address4', 'address4'] },
  { name: 'itself6', key: ['address6', 'address6'] },
  { name: 'services4', key: ['address4'] },
  { name: 'services6', key: ['address6'] },
  { name: 'ingress4', key: ['address4'] },
  { name: 'ingress6', key: ['address6'] },
  { name: 'egress4', key: ['address4'] },
  { name: 'egress6', key: ['address6'] },
  { name: 'ports4', key: ['protocol', 'port'], data: ['address4', 'port'] },
  { name: 'ports4at', key: ['address4', 'protocol', 'port'], data: ['address4', 'port'] },
  { name: 'ports6', key: ['protocol', 'port'], data: ['address6', 'port'] },
  { name: 'ports6at', key: ['address6', 'protocol', 'port'], data: ['address6', 'port'] },
];

/** The rules. Networks, pods and ports are elements of its sets, and change none of them; traffic rules do. */
export function networkTable(name: string, guarded: Guarded, traffic: TrafficTable): Table {
  const ofGuard = (direction: 'ingress' | 'egress'): Chain => ({
    name: direction,
    hook: null,
    rules: [...traffic[direction], ...([4, 6] as const).map((version) => guardRule(direction, version))],
  });
  return {
    name,
    sets: [...SETS, ...traffic.sets],
    chains: [
      ofGuard('ingress'),
      ofGuard('egress'),
      sourcesChain(),
      ...redirectChains(traffic),
      masqueradeChain(),
      inputChain(),
      outputChain(),
      forwardChain(guarded),
    ],
  };
}

/** @returns what the sets hold of a network. */
export function bridgeElements({ bridge, isOutbound }: BridgeRules): readonly Element[] {
  const key = Buffer.alloc(16);
  key.write(bridge);
  return [
    { set: 'bridges', key },
    { set: isOutbound ? 'outbound' : 'inward', key },
    { set: 'within', key: Buffer.concat([key, key]) },
  ];
}

/** @returns what the maps hold of a port. */
export function portElement({ protocol, hostIp, hostPort, podIp, podPort }: PortRule): Element {
  const pod = addressBytes(podIp);
  const at = hostIp === null ? [] : [addressBytes(hostIp)];
  return {
    set: `${pod.length === 4 ? 'ports4' : 'ports6'}${hostIp === null ? '' : 'at'}`,
    key: Buffer.concat([...at, Buffer.from([PROTOCOLS[protocol], 0, 0, 0]), portBytes(hostPort)]),
    data: Buffer.concat([pod, portBytes(podPort)]),
  };
}

/** @returns what the sets hold of a card: the one MAC address its address may come from, and that it is the same pod's. */
export function placeElements(mac: Buffer, address: string): readonly Element[] {
  const bytes = addressBytes(address);
  const version = bytes.length === 4 ? 4 : 6;
  return [
    { set: `places${version}`, key: Buffer.concat([mac, Buffer.alloc(2), bytes]) },
    { set: `itself${version}`, key: Buffer.concat([bytes, bytes]) },
  ];
}

const fromBridge = [meta('inputName', 1), lookup('in', 'bridges')];
const toBridge = [meta('outputName', 1), lookup('in', 'bridges')];
const withinNetwork = [meta('inputName', 1), meta('outputName', 2), lookup('in', 'within')];

function guardRule(direction: 'ingress' | 'egress', version: 4 | 6): readonly Expression[] {
  const side = direction === 'ingress' ? DESTINATION : SOURCE;
  return [
    ...family(version),
    payload('network', side[version], 1),
    lookup('in', `${direction}${version}`),
    verdict('drop'),
  ];
}

function toItself(version: 4 | 6): readonly Expression[] {
  const second = word(SOURCE[version].length / 4);
  return [
    ...family(version),
    payload('network', SOURCE[version], 1),
    payload('network', DESTINATION[version], second),
    lookup('in', `itself${version}`),
  ];
}

/**
 * What a pod sends is from an address of its own, and to no address of a link or a loopback: bridges route the latter, for
 * the node's own connections to its ports. Only neighbour discovery comes from elsewhere, and goes no further than the node.
 */
function sourcesChain(): Chain {
  const drop = (at: { readonly offset: number }, net: Buffer): readonly Expression[] => [
    ...fromBridge,
    ...family(4),
    payload('network', { offset: at.offset, length: net.length }, 1),
    compare('equal', net),
    verdict('drop'),
  ];
  const foreign = (version: 4 | 6): readonly Expression[] => [
    ...fromBridge,
    ...family(version),
    payload('link', MAC_SOURCE, 1),
    payload('network', SOURCE[version], word(2)),
    lookup('not in', `places${version}`),
    verdict('drop'),
  ];
  const discovery = [
    ...fromBridge,
    ...family(6),
    meta('protocol', 1),
    compare('equal', Buffer.from([ICMP6])),
    payload('transport', { offset: 0, length: 1 }, 1),
    compare('at least', Buffer.from([DISCOVERY.first])),
    compare('at most', Buffer.from([DISCOVERY.last])),
    verdict('accept'),
  ];
  const loopback = Buffer.from([LOOPBACK_NET]);
  return {
    name: 'sources',
    hook: { type: 'filter', at: 'prerouting', priority: PRIORITY.raw },
    rules: [
      drop(DESTINATION[4], loopback),
      drop(SOURCE[4], loopback),
      drop(DESTINATION[4], LINK_LOCAL4),
      discovery,
      foreign(4),
      foreign(6),
    ],
  };
}

/** For what arrives and for the node's own connections. A port of one address comes before that of all. */
function redirectChains({ arriving, leaving }: TrafficTable): readonly Chain[] {
  const rules = ([4, 6] as const).flatMap((version) => [redirectAt(version), redirectAny(version)]);
  const hook = { type: 'nat', priority: PRIORITY.redirect } as const;
  return [
    { name: 'arriving', hook: { ...hook, at: 'prerouting' }, rules: [...rules, ...arriving] },
    { name: 'leaving', hook: { ...hook, at: 'output' }, rules: [...rules, ...leaving] },
  ];
}

function redirectAt(version: 4 | 6): readonly Expression[] {
  const words = DESTINATION[version].length / 4;
  return [
    ...toThisNode(),
    ...family(version),
    payload('network', DESTINATION[version], 1),
    meta('protocol', word(words)),
    payload('transport', DESTINATION_PORT, word(words + 1)),
    translate(`ports${version}at`),
    redirect(version, word(words)),
  ];
}

/** The kernel routes nothing from ::1, so that is left alone: who tries it first is refused and takes 127.0.0.1. */
function redirectAny(version: 4 | 6): readonly Expression[] {
  return [
    ...toThisNode(),
    ...family(version),
    ...(version === 6 ? [payload('network', DESTINATION[6], 1), compare('differs', addressBytes('::1'))] : []),
    meta('protocol', 1),
    payload('transport', DESTINATION_PORT, word(1)),
    translate(`ports${version}`),
    redirect(version, word(DESTINATION[version].length / 4)),
  ];
}

function masqueradeChain(): Chain {
  const rules = [
    // A pod that reaches itself through a port or a service takes no packet from its own address.
    ...([4, 6] as const).map((version) => [...toBridge, ...toItself(version), masquerade()]),
    [meta('inputName', 1), lookup('in', 'outbound'), meta('outputName', 1), lookup('not in', 'bridges'), masquerade()],
    [
      ...toBridge,
      ...family(4),
      payload('network', { offset: SOURCE[4].offset, length: 1 }, 1),
      compare('equal', Buffer.from([LOOPBACK_NET])),
      masquerade(),
    ],
  ];
  return { name: 'masquerade', hook: { type: 'nat', at: 'postrouting', priority: PRIORITY.masquerade }, rules };
}

/** Pods of a network without a way out do not reach the node either; neighbour discovery is ICMPv6. */
function inputChain(): Chain {
  const rules = [
    [...tracked('state', TRACKED.establishedOrRelated), verdict('accept')],
    [meta('protocol', 1), compare('equal', Buffer.from([ICMP6])), verdict('accept')],
    [...fromBridge, jump('egress')],
    [meta('inputName', 1), lookup('in', 'inward'), verdict('drop')],
  ];
  return { name: 'input', hook: { type: 'filter', at: 'input', priority: PRIORITY.filter }, rules };
}

/** Pods are not told to talk past the node, which the kernel would have them do; what no backend took is refused. */
function outputChain(): Chain {
  const redirects = (protocol: number, type: number): readonly Expression[] => [
    ...toBridge,
    meta('protocol', 1),
    compare('equal', Buffer.from([protocol])),
    payload('transport', { offset: 0, length: 1 }, 1),
    compare('equal', Buffer.from([type])),
    verdict('drop'),
  ];
  const rules = [redirects(ICMP4, REDIRECT4), redirects(ICMP6, DISCOVERY.redirect), ...unansweredRules()];
  return { name: 'output', hook: { type: 'filter', at: 'output', priority: PRIORITY.filter }, rules };
}

function unansweredRules(): readonly (readonly Expression[])[] {
  return ([4, 6] as const).flatMap((version) => {
    const toService = [
      ...family(version),
      payload('network', DESTINATION[version], 1),
      lookup('in', `services${version}`),
    ];
    const isTcp = [meta('protocol', 1), compare('equal', Buffer.from([PROTOCOLS.tcp]))];
    return [
      [...toService, ...isTcp, reject('reset')],
      [...toService, reject('unreachable')],
    ];
  });
}

/** An accepted packet still meets the rules of other tables; a dropped one does not come back. */
function forwardChain({ families }: Guarded): Chain {
  const rules = [
    [...tracked('state', TRACKED.establishedOrRelated), verdict('accept')],
    ...([4, 6] as const).map((version) => [...withinNetwork, ...toItself(version), verdict('accept')]),
    ...unansweredRules(),
    [...fromBridge, jump('egress')],
    [...toBridge, jump('ingress')],
    [...withinNetwork, verdict('accept')],
    [meta('inputName', 1), lookup('in', 'inward'), verdict('drop')],
    [...toBridge, ...tracked('status', TRACKED.redirected), verdict('accept')],
    [...toBridge, verdict('drop')],
    [meta('inputName', 1), lookup('in', 'outbound'), verdict('accept')],
    ...families.map((version) => [...family(version), verdict('drop')]),
  ] as const;
  return { name: 'forward', hook: { type: 'filter', at: 'forward', priority: PRIORITY.filter }, rules };
}
