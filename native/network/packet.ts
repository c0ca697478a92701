/** Where the addresses are in the headers (RFC 791, RFC 8200), and a protocol's destination port (RFC 768, RFC 9293). */
export const SOURCE = { 4: { offset: 12, length: 4 }, 6: { offset: 8, length: 16 } } as const;
export const DESTINATION = { 4: { offset: 16, length: 4 }, 6: { offset: 24, length: 16 } } as const;
export const DESTINATION_PORT = { offset: 2, length: 2 } as const;

/** Numbers of the transport protocols. */
export const PROTOCOLS = { tcp: 6, udp: 17 } as const;

/** @returns a port as a set's element holds it: in network order, padded to 4 bytes. */
export function portBytes(port: number): Buffer {
  return Buffer.from([port >> 8, port & 0xff, 0, 0]);
}

/** @returns the family of an address's bytes. */
export function versionOf(address: Buffer): 4 | 6 {
  return address.length === 4 ? 4 : 6;
}
