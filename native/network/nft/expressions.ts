import { type Attribute, be32, text } from '../netlink/message.ts';

/** One step of a rule, as libnftables would write it down (linux/netfilter/nf_tables.h). */
export type Expression = Attribute;

/** Register n holds 16 bytes (1 to 4); `word(n)` is 4 bytes of them, counted from the first register's. */
export type Register = number;
const FIRST_WORD = 8;

/** @returns the n-th word of 4 bytes of the registers: word 0 is where register 1 begins, word 4 where register 2 does. */
export function word(n: number): Register {
  return FIRST_WORD + n;
}

const META = { inputName: 6, outputName: 7, family: 15, protocol: 16 } as const;
const TRACKING = { state: 0, status: 2 } as const;
const FAMILIES = { 4: 2, 6: 10 } as const;
const BASES = { link: 0, network: 1, transport: 2 } as const;
const OPERATORS = { equal: 0, differs: 1, 'at most': 3, 'at least': 5 } as const;
const VERDICTS = { drop: 0, accept: 1, return: -5 } as const;
const JUMP = -3;
/** NFT_REJECT_*: a reset of TCP, and ICMP's word for a port where nobody listens. */
const REJECTIONS = { reset: { type: 1, code: 0 }, unreachable: { type: 2, code: 1 } } as const;
const LOCAL_ADDRESS = 2;

/** Loads a fact about the packet: the name of the link it came in or goes out by, or its transport protocol. */
export function meta(key: keyof typeof META, register: Register): Expression {
  return expression('meta', [number(1, register), number(2, META[key])]);
}

/** Loads bytes of the packet's link, network or transport header. */
export function payload(
  base: keyof typeof BASES,
  at: { readonly offset: number; readonly length: number },
  register: Register,
): Expression {
  return expression('payload', [
    number(1, register),
    number(2, BASES[base]),
    number(3, at.offset),
    number(4, at.length),
  ]);
}

/** Goes on when register 1 compares so with these bytes. */
export function compare(operator: keyof typeof OPERATORS, bytes: Buffer): Expression {
  return expression('cmp', [number(1, 1), number(2, OPERATORS[operator]), data(3, bytes)]);
}

/** Goes on when register 1 is in the set, or with `not in` when it is not. */
export function lookup(is: 'in' | 'not in', set: string): Expression {
  return expression('lookup', [{ type: 1, value: text(set) }, number(2, 1), ...(is === 'in' ? [] : [number(5, 1)])]);
}

/** Goes on with the value that the map has for register 1, loaded over it. */
export function translate(map: string): Expression {
  return expression('lookup', [{ type: 1, value: text(map) }, number(2, 1), number(3, 1)]);
}

/** Loads into register 1 which of so many it is the turn of, counting from 0. */
export function turn(of: number): Expression {
  return expression('numgen', [number(1, 1), number(2, of), number(3, 0), number(4, 0)]);
}

/** Goes on for packets of this address family. */
export function family(version: 4 | 6): readonly Expression[] {
  return [meta('family', 1), compare('equal', Buffer.from([FAMILIES[version]]))];
}

/** Goes on for packets to an address of this node. */
export function toThisNode(): readonly Expression[] {
  const local = Buffer.alloc(4);
  local.writeUInt32LE(LOCAL_ADDRESS);
  return [expression('fib', [number(1, 1), number(2, 3), number(3, 2)]), compare('equal', local)];
}

/** Goes on when the connection's tracked state or status has one of these bits (nf_conntrack_common.h). */
export function tracked(key: keyof typeof TRACKING, bits: number): readonly Expression[] {
  const mask = Buffer.alloc(4);
  mask.writeUInt32LE(bits);
  const zero = Buffer.alloc(4);
  return [
    expression('ct', [number(1, 1), number(2, TRACKING[key])]),
    expression('bitwise', [number(1, 1), number(2, 1), number(3, 4), data(4, mask), data(5, zero)]),
    compare('differs', zero),
  ];
}

/** Sends the connection to the address in register 1 and the port in another. */
export function redirect(version: 4 | 6, port: Register): Expression {
  return expression('nat', [number(1, 1), number(2, FAMILIES[version]), number(3, 1), number(5, port)]);
}

/** Gives the connection the address of the link it leaves by. */
export function masquerade(): Expression {
  return expression('masq', []);
}

/** Ends the chain for this packet. */
export function verdict(is: keyof typeof VERDICTS): Expression {
  const code = [number(1, VERDICTS[is])];
  return expression('immediate', [number(1, 0), { type: 2, value: [{ type: 2, value: code }] }]);
}

/** Goes on in another chain, and from there back to the next rule of this one. */
export function jump(chain: string): Expression {
  const code = [number(1, JUMP), { type: 2, value: text(chain) }];
  return expression('immediate', [number(1, 0), { type: 2, value: [{ type: 2, value: code }] }]);
}

/** Drops the packet and has its sender told that nobody is there; `reset` for TCP, which no kernel is sparing with. */
export function reject(by: keyof typeof REJECTIONS): Expression {
  const { type, code } = REJECTIONS[by];
  return expression('reject', [number(1, type), { type: 2, value: Buffer.from([code]) }]);
}

function expression(name: string, attributes: readonly Attribute[]): Expression {
  return {
    type: 1,
    value: [
      { type: 1, value: text(name) },
      { type: 2, value: attributes },
    ],
  };
}

function number(type: number, value: number): Attribute {
  return { type, value: be32(value) };
}

function data(type: number, bytes: Buffer): Attribute {
  return { type, value: [{ type: 1, value: bytes }] };
}
