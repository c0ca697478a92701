import type { AllowedTraffic, ServiceSpec } from '../backend.ts';

/**
 * The most that traffic rules may weigh, all together: each unit is a rule of the kernel, which looks through them for
 * every new connection.
 */
export const MOST_TRAFFIC = { permissions: 8_192, services: 4_096 } as const;

/** @returns how many rules of the kernel a permission comes to at most: each kind of peer with each range of ports. */
export function weightOfPermission({ peers, ports }: Pick<AllowedTraffic, 'peers' | 'ports'>): number {
  const families = 2;
  const kinds = peers === null ? families : families * Number(peers.sandboxes.length > 0) + peers.ranges.length;
  return kinds * (ports?.length ?? 1);
}

/** @returns how much a service weighs: each of its ports on each of its networks. */
export function weightOfService({ networks, ports }: Pick<ServiceSpec, 'networks' | 'ports'>): number {
  return networks.length * Math.max(1, ports.length);
}
