import { isIPv4, isIPv6, SocketAddress } from 'node:net';

/** A range of addresses, as `10.88.0.0/24` or `fd00:1::/64` names it. */
export interface Subnet {
  readonly family: 4 | 6;
  readonly first: bigint;
  readonly prefixLength: number;
}

const BITS = { 4: 32, 6: 128 } as const;

/** @returns the subnet a text names, or null when it names none or its address is not the first one of its range. */
export function parseSubnet(text: string): Subnet | null {
  const [, address = '', length = ''] = /^([0-9a-f.:]+)\/(\d{1,3})$/i.exec(text) ?? [];
  const family = isIPv4(address) ? 4 : isIPv6(address) ? 6 : null;
  const prefixLength = Number(length);
  if (family === null || length === '' || prefixLength > BITS[family]) return null;
  const first = toNumber(addressBytes(address));
  const isFirst = first % sizeOf({ family, prefixLength }) === 0n;
  return isFirst ? { family, first, prefixLength } : null;
}

/** @returns how many addresses a subnet has. */
export function sizeOf({ family, prefixLength }: Pick<Subnet, 'family' | 'prefixLength'>): bigint {
  return 1n << BigInt(BITS[family] - prefixLength);
}

/** @returns the n-th address of a subnet, 0 being the first. */
export function addressAt({ family, first }: Subnet, n: number): string {
  const value = first + BigInt(n);
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 0xffn).join('.');
  const groups = Array.from({ length: 8 }, (_, i) => ((value >> BigInt(112 - 16 * i)) & 0xffffn).toString(16));
  return new SocketAddress({ address: groups.join(':'), family: 'ipv6' }).address;
}

/** @returns which address of the subnet this is, 0 being the first; null when it is not in it. */
export function indexIn(subnet: Subnet, address: string): number | null {
  const offset = toNumber(addressBytes(address)) - subnet.first;
  return offset >= 0n && offset < sizeOf(subnet) ? Number(offset) : null;
}

/** @returns whether two subnets have an address in common. */
export function overlaps(a: Subnet, b: Subnet): boolean {
  return a.family === b.family && a.first < b.first + sizeOf(b) && b.first < a.first + sizeOf(a);
}

/** @returns the address that bytes in network order are. */
export function addressText(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join('.');
  return addressAt({ family: 6, first: toNumber(bytes), prefixLength: BITS[6] }, 0);
}

/** @returns whether it is an address that the kernel itself gives each link with IPv6. */
export function isLinkLocal(address: string): boolean {
  return /^fe[89ab].:/.test(address);
}

/** @returns a MAC address as people write it. */
export function macText(mac: Buffer): string {
  return mac.toString('hex').replaceAll(/..(?=.)/g, '$&:');
}

/** @returns the bytes of a valid IPv4 or IPv6 address, in network order. */
export function addressBytes(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number));
  const [head = '', tail] = withoutDots(address).split('::');
  const left = groupsOf(head);
  const right = tail === undefined ? [] : groupsOf(tail);
  const groups = [...left, ...Array<number>(8 - left.length - right.length).fill(0), ...right];
  return Buffer.from(groups.flatMap((group) => [group >> 8, group & 0xff]));
}

function groupsOf(text: string): readonly number[] {
  return text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16));
}

/** An IPv6 address may end as an IPv4 one: `::ffff:1.2.3.4`. */
function withoutDots(address: string): string {
  return address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...parts: string[]) => {
    const [a = 0, b = 0, c = 0, d = 0] = parts.slice(0, 4).map(Number);
    return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  });
}

function toNumber(bytes: Buffer): bigint {
  return BigInt(`0x${bytes.toString('hex')}`);
}
