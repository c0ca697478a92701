import type { AllowedTraffic, ServiceSpec } from '../../../native/index.ts';

/** @returns what a permission weighs to the backend: each kind of peer, in each family of addresses, with each range of ports. */
export function weightOfPermission({ peers, ports }: Pick<AllowedTraffic, 'peers' | 'ports'>): number {
  const families = 2;
  const kinds = peers === null ? families : families * Number(peers.sandboxes.length > 0) + peers.ranges.length;
  return kinds * (ports?.length ?? 1);
}

/** @returns what a service weighs to the backend: each of its ports on each of its networks. */
export function weightOfService({ networks, ports }: Pick<ServiceSpec, 'networks' | 'ports'>): number {
  return networks.length * Math.max(1, ports.length);
}
