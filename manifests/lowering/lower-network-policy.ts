import type { WrittenNetworkPolicy, WrittenPeer, WrittenPolicyPort } from '../kinds/network-policy.ts';
import type { NetworkPolicy, PolicyPeer, PolicyPort, PolicyRule } from '../resource.ts';
import { lowerMetadata } from './lower-resource.ts';

const EVERYTHING = { matchLabels: {}, matchExpressions: [] } as const;

/** @returns what a NetworkPolicy means. Without `policyTypes` it is of ingress, and of egress when it has rules for it. */
export function lowerNetworkPolicy({ metadata, spec }: WrittenNetworkPolicy): NetworkPolicy {
  const { ingress = [], egress = [] } = spec;
  const types = spec.policyTypes ?? (spec.egress === undefined ? ['Ingress'] : ['Ingress', 'Egress']);
  return {
    kind: 'NetworkPolicy',
    ...lowerMetadata(metadata),
    podSelector: spec.podSelector,
    ingress: types.includes('Ingress') ? ingress.map(({ from, ports }) => lowerRule(from, ports)) : null,
    egress: types.includes('Egress') ? egress.map(({ to, ports }) => lowerRule(to, ports)) : null,
  };
}

/** An empty list means the same as none: no restriction. */
function lowerRule(peers: readonly WrittenPeer[] = [], ports: readonly WrittenPolicyPort[] = []): PolicyRule {
  return {
    peers: peers.length === 0 ? null : peers.map(lowerPeer),
    ports: ports.length === 0 ? null : ports.map(lowerPort),
  };
}

function lowerPeer({ podSelector, namespaceSelector, ipBlock }: WrittenPeer): PolicyPeer {
  if (ipBlock) return { type: 'block', ...ipBlock };
  return { type: 'pods', podSelector: podSelector ?? EVERYTHING, namespaceSelector: namespaceSelector ?? null };
}

function lowerPort({ protocol = 'TCP', port, endPort }: WrittenPolicyPort): PolicyPort {
  return { protocol, port: port ?? null, endPort: endPort ?? null };
}
