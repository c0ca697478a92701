import { isIP } from 'node:net';
import type { AddressRange, PortRange, ServiceSpec, TrafficRules } from '../backend.ts';
import { BackendError } from '../errors.ts';
import { addressBytes } from './addresses.ts';
import { checkHostName, checkNetworkName } from './check-network.ts';
import { MOST_TRAFFIC, weightOfPermission, weightOfService } from './traffic-weight.ts';

const ID = /^[a-z0-9_.-]{1,200}$/;
const LAST_PORT = 65_535;
const MOST_NAMES = 16;

/** @throws BackendError `invalid-spec` naming the field. */
export function checkTraffic({ guards, allowed, services }: TrafficRules): void {
  checkWeight('allowed', allowed.map(weightOfPermission), MOST_TRAFFIC.permissions);
  checkWeight('services', services.map(weightOfService), MOST_TRAFFIC.services);
  for (const { sandbox } of guards) checkId('guards.sandbox', sandbox);
  for (const { subjects, peers, ports } of allowed) {
    for (const id of [...subjects, ...(peers?.sandboxes ?? [])]) checkId('allowed', id);
    for (const range of peers?.ranges ?? []) checkRange(range);
    for (const range of ports ?? []) checkPorts(range);
  }
  for (const service of services) checkService(service, services);
}

function checkService(service: ServiceSpec, all: readonly ServiceSpec[]): void {
  const { name, names, networks, ports, backends } = service;
  checkId('services.name', name);
  if (all.filter((other) => other.name === name).length > 1) throw invalid('services.name', name, 'each once');
  checkWeight(
    'services.names',
    names.map(() => 1),
    MOST_NAMES,
  );
  for (const each of names) checkHostName('services.names', each);
  for (const network of networks) checkNetworkName(network);
  for (const { port } of ports) checkPort('services.ports', port);
  for (const backend of backends) {
    checkId('services.backends', backend.sandbox);
    for (const port of backend.ports) if (port !== null) checkPort('services.backends.ports', port);
  }
}

function checkRange({ first, last }: AddressRange): void {
  const isRange = isAddress(first) && isIP(first) === isIP(last) && isAddress(last);
  if (isRange && Buffer.compare(addressBytes(first), addressBytes(last)) <= 0) return;
  throw invalid('allowed.peers.ranges', `${first}-${last}`, 'two addresses of one family, the lower one first');
}

function isAddress(text: string): boolean {
  return isIP(text) !== 0 && !text.includes('%');
}

function checkPorts({ first, last }: PortRange): void {
  checkPort('allowed.ports', first);
  checkPort('allowed.ports', last);
  if (first > last) throw invalid('allowed.ports', `${first}-${last}`, 'the lower one first');
}

function checkPort(field: string, port: number): void {
  if (!Number.isSafeInteger(port) || port < 1 || port > LAST_PORT)
    throw invalid(field, port, `a port from 1 to ${LAST_PORT}`);
}

function checkId(field: string, id: string): void {
  if (!ID.test(id)) throw invalid(field, id, '1 to 200 of a-z 0-9 _ . -');
}

function checkWeight(field: string, weights: readonly number[], most: number): void {
  const sum = weights.reduce((total, weight) => total + weight, 0);
  if (sum > most) throw invalid(field, sum, `at most ${most}`);
}

function invalid(field: string, value: unknown, expected: string): BackendError {
  return new BackendError('invalid-spec', 'check traffic', `${field}: ${JSON.stringify(value)}: expected ${expected}`);
}
