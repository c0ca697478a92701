import { rm } from 'node:fs/promises';
import type { BackendContext } from '../context.ts';
import { BackendError } from '../errors.ts';
import { replaceFile } from '../files/replace-file.ts';
import { type ForwardingRecord, type NetworkRecord, readForwarding } from '../records/records.ts';
import type { NetworkNamespace } from './netlink/namespace.ts';
import { readSysctl, setSysctl } from './netlink/sysctl.ts';
import type { Guarded } from './ruleset.ts';

const IPV4 = 'ipv4/ip_forward';
const IPV6 = 'ipv6/conf/all/forwarding';

/**
 * Has the kernel forward packets, for IPv6 only when a network has it (the node's links then heed router advertisements
 * only with accept_ra=2). What the settings were is on record before they change.
 * @returns the families nobody forwarded before: the rules forward of them only what is of our networks.
 */
export async function turnOnForwarding(
  { layout }: Pick<BackendContext, 'layout'>,
  namespace: NetworkNamespace,
  options: { readonly hasIpv6: boolean },
): Promise<Guarded> {
  const found = readForwarding(layout.forwardingFile);
  const known = found.state === 'found' ? found.record : null;
  const before: ForwardingRecord = {
    ipv4: known?.ipv4 ?? required(namespace, IPV4),
    ipv6: known?.ipv6 ?? (options.hasIpv6 ? required(namespace, IPV6) : null),
  };
  if (known?.ipv4 !== before.ipv4 || known.ipv6 !== before.ipv6)
    replaceFile(layout.forwardingFile, JSON.stringify(before));
  setSysctl(namespace, IPV4, '1');
  if (before.ipv6 !== null) setSysctl(namespace, IPV6, '1');
  const families = [before.ipv4 === '0' ? [4 as const] : [], before.ipv6 === '0' ? [6 as const] : []].flat();
  return { families };
}

/** @returns what the kernel is to have set while there are networks. */
export function forwardingSettings(networks: readonly NetworkRecord[]): Readonly<Record<string, string>> {
  return networks.some(({ subnet6 }) => subnet6 !== null) ? { [IPV4]: '1', [IPV6]: '1' } : { [IPV4]: '1' };
}

/** Puts the settings back as they were before the first network. */
export async function restoreForwarding(
  { layout }: Pick<BackendContext, 'layout'>,
  namespace: NetworkNamespace,
): Promise<void> {
  const found = readForwarding(layout.forwardingFile);
  if (found.state === 'found') {
    setSysctl(namespace, IPV4, found.record.ipv4);
    if (found.record.ipv6 !== null) setSysctl(namespace, IPV6, found.record.ipv6);
  }
  await rm(layout.forwardingFile, { force: true });
}

function required(namespace: NetworkNamespace, name: string): string {
  const value = readSysctl(namespace, name);
  if (value !== null) return value;
  throw new BackendError('unsupported', 'read sysctl', `this kernel has no setting net/${name}`);
}
