import type { BundleConfig } from './schema.ts';

/** @returns whether a container is denied devices, and therefore may use only those it is given. */
export function deniesDevices({ linux }: Pick<BundleConfig, 'linux'>): boolean {
  return linux.resources.devices.some((rule) => !rule.allow);
}
