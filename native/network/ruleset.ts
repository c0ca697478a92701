import { addressBytes } from './addresses.ts';
import type { Chain, Element, Table, TableSet } from './nft/batch.ts';
import {
  compare,
  type Expression,
  family,
  lookup,
  masquerade,
  meta,
  payload,
  redirect,
  toThisNode,
  tracked,
  translate,
  verdict,
  word,
} from './nft/expressions.ts';

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

const TRACKED = { establishedOrRelated: 0x6, redirected: 0x20 } as const;
const PRIORITY = { raw: -300, redirect: -100, filter: 0, masquerade: 100 } as const;
const PROTOCOLS = { tcp: 6, udp: 17 } as const;
const ICMP6 = 58;
const LOOPBACK_NET = 127;

/** Where the addresses are in the headers, and a protocol's destination port. */
const SOURCE = { 4: { offset: 12, length: 4 }, 6: { offset: 8, length: 16 } } as const;
const DESTINATION = { 4: { offset: 16, length: 4 }, 6: { offset: 24, length: 16 } } as const;
const DESTINATION_PORT = { offset: 2, length: 2 } as const;

const SETS: readonly TableSet[] = [
  { name: 'bridges', key: ['link'] },
  { name: 'outbound', key: ['link'] },
  { name: 'inward', key: ['link'] },
  { name: 'within', key: ['link', 'link'] },
  { name: 'ports4', key: ['protocol', 'port'], data: ['address4', 'port'] },
  { name: 'ports4at', key: ['address4', 'protocol', 'port'], data: ['address4', 'port'] },
  { name: 'ports6', key: ['protocol', 'port'], data: ['address6', 'port'] },
  { name: 'ports6at', key: ['address6', 'protocol', 'port'], data: ['address6', 'port'] },
];

/** The rules, the same whatever networks and ports there are: those are elements of its sets. */
export function networkTable(name: string, guarded: Guarded): Table {
  return {
    name,
    sets: SETS,
    chains: [loopbackChain(), ...redirectChains(), masqueradeChain(), inputChain(), forwardChain(guarded)],
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

function portBytes(port: number): Buffer {
  return Buffer.from([port >> 8, port & 0xff, 0, 0]);
}

const fromBridge = [meta('inputName', 1), lookup('in', 'bridges')];
const toBridge = [meta('outputName', 1), lookup('in', 'bridges')];
const withinNetwork = [meta('inputName', 1), meta('outputName', 2), lookup('in', 'within')];

/** Bridges route loopback addresses, for the node's own connections to its ports; no pod may send or reach them. */
function loopbackChain(): Chain {
  const drop = (at: { readonly offset: number }): readonly Expression[] => [
    ...fromBridge,
    ...family(4),
    payload('network', { offset: at.offset, length: 1 }, 1),
    compare('equal', Buffer.from([LOOPBACK_NET])),
    verdict('drop'),
  ];
  return {
    name: 'loopback',
    type: 'filter',
    hook: 'prerouting',
    priority: PRIORITY.raw,
    rules: [drop(DESTINATION[4]), drop(SOURCE[4])],
  };
}

/** For what arrives and for the node's own connections. A port of one address comes before that of all. */
function redirectChains(): readonly Chain[] {
  const rules = ([4, 6] as const).flatMap((version) => [redirectAt(version), redirectAny(version)]);
  const chain = { type: 'nat', priority: PRIORITY.redirect, rules } as const;
  return [
    { ...chain, name: 'arriving', hook: 'prerouting' },
    { ...chain, name: 'leaving', hook: 'output' },
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
    // A pod that reaches a mate through the node's port would get its answer from a stranger.
    [...withinNetwork, ...tracked('status', TRACKED.redirected), masquerade()],
    [meta('inputName', 1), lookup('in', 'outbound'), meta('outputName', 1), lookup('not in', 'bridges'), masquerade()],
    [
      ...toBridge,
      ...family(4),
      payload('network', { offset: SOURCE[4].offset, length: 1 }, 1),
      compare('equal', Buffer.from([LOOPBACK_NET])),
      masquerade(),
    ],
  ];
  return { name: 'masquerade', type: 'nat', hook: 'postrouting', priority: PRIORITY.masquerade, rules };
}

/** Pods of a network without a way out do not reach the node either; neighbour discovery is ICMPv6. */
function inputChain(): Chain {
  const rules = [
    [...tracked('state', TRACKED.establishedOrRelated), verdict('accept')],
    [meta('protocol', 1), compare('equal', Buffer.from([ICMP6])), verdict('accept')],
    [meta('inputName', 1), lookup('in', 'inward'), verdict('drop')],
  ];
  return { name: 'input', type: 'filter', hook: 'input', priority: PRIORITY.filter, rules };
}

/** An accepted packet still meets the rules of other tables; a dropped one does not come back. */
function forwardChain({ families }: Guarded): Chain {
  const rules = [
    [...tracked('state', TRACKED.establishedOrRelated), verdict('accept')],
    [...withinNetwork, verdict('accept')],
    [meta('inputName', 1), lookup('in', 'inward'), verdict('drop')],
    [...toBridge, ...tracked('status', TRACKED.redirected), verdict('accept')],
    [...toBridge, verdict('drop')],
    [meta('inputName', 1), lookup('in', 'outbound'), verdict('accept')],
    ...families.map((version) => [...family(version), verdict('drop')]),
  ] as const;
  return { name: 'forward', type: 'filter', hook: 'forward', priority: PRIORITY.filter, rules };
}
