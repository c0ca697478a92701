import { createHash } from 'node:crypto';
import type { NetworkDifference } from '../backend.ts';
import type { ProcessId } from '../process/process-id.ts';
import { type NetworkNamespace, withNamespace } from './netlink/namespace.ts';
import { createSeal, type RulesetSeal } from './seal-state.ts';

/** Where this backend makes its networks, and under what names. */
export interface NodeNetwork {
  /** Null is the namespace of this process. */
  readonly namespacePath: string | null;
  /** The nftables table, of family inet, that is ours. No other one is touched. */
  readonly table: string;
  /** Whether it is still as this process made it. */
  readonly seal: RulesetSeal;
  /** How far the looks into the namespaces of pods have come. */
  readonly rounds: Rounds;
}

/** Looks into namespaces in turn. */
export interface Rounds {
  /** Id of the last sandbox whose turn it was. */
  last: string;
  /** What was found in those that are not as they were made. */
  readonly changed: Map<string, readonly NetworkDifference[]>;
}

/** @returns names that no other backend has: its cgroup root is its own, and so is the table named for it. */
export function nodeNetworkOf(options: {
  readonly cgroupRoot: string;
  readonly networkNamespace?: string;
}): NodeNetwork {
  const plain = options.cgroupRoot.replace(/^\/+/, '').replaceAll(/[^A-Za-z0-9_.-]/g, '.');
  const table = /^[A-Za-z]/.test(plain) ? plain : `holdfast-${plain}`;
  return {
    namespacePath: options.networkNamespace ?? null,
    table,
    seal: createSeal(),
    rounds: { last: '', changed: new Map() },
  };
}

/** Opens the node's network namespace for the time of a task. */
export function inNodeNetwork<T>(node: NodeNetwork, task: (namespace: NetworkNamespace) => Promise<T>): Promise<T> {
  return withNamespace(node.namespacePath, task);
}

/** The bridge of a network. Link names hold 15 characters: `hf`, whose they are, what they are, which one it is. */
export function bridgeName(node: Pick<NodeNetwork, 'table'>, network: string): string {
  return `hf${digest(node.table, 4)}b${digest(network, 8)}`;
}

/** The node's end of a pod's card. It names the pod's holder, for that of an earlier pod may not be gone yet. */
export function portName(node: NodeNetwork, holder: ProcessId, network: string): string {
  return `hf${digest(node.table, 4)}p${digest(`${holder.pid}/${holder.startTime}/${network}`, 8)}`;
}

/** A bridge's MAC address, the same whenever it is made. */
export function bridgeMac(node: NodeNetwork, network: string): Buffer {
  return Buffer.from(`02${digest(bridgeName(node, network), 10)}`, 'hex');
}

/** A pod's MAC address follows its IPv4 one, so that whoever takes that over is found under what neighbours remember. */
export function podMac(ipv4: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0x02, 0x48]), ipv4]);
}

function digest(value: string, characters: number): string {
  return createHash('sha256').update(value).digest('hex').slice(0, characters);
}
