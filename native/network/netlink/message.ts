/** One netlink message as data; its sequence number is its place in what is sent (netlink(7)). */
export interface NetlinkMessage {
  readonly type: number;
  /** NLM_F_* bits besides NLM_F_REQUEST, which all have. */
  readonly flags: number;
  /** The fixed part that follows the netlink header, such as `struct ifinfomsg`. */
  readonly head: Buffer;
  readonly attributes: readonly Attribute[];
}

/** A netlink attribute: a value, or more attributes within it. */
export interface Attribute {
  readonly type: number;
  readonly value: Buffer | readonly Attribute[];
}

/** NLM_F_* of linux/netlink.h. */
export const FLAGS = {
  request: 0x1,
  ack: 0x4,
  /** For requests that ask, all of it: NLM_F_ROOT | NLM_F_MATCH. */
  dump: 0x300,
  replace: 0x100,
  exclusive: 0x200,
  create: 0x400,
  append: 0x800,
} as const;

const HEADER_BYTES = 16;
const ATTRIBUTE_BYTES = 4;
const NESTED = 0x8000;
const TYPE_MASK = 0x3fff;
const MOST_BYTES = 0xffff;

/** @returns the messages one after the other, numbered from 1, in the machine's byte order. */
export function encodeMessages(messages: readonly NetlinkMessage[]): Buffer {
  const bytes = Buffer.alloc(messages.reduce((sum, message) => sum + sizeOfMessage(message), 0));
  let at = 0;
  for (const [index, { type, flags, head, attributes }] of messages.entries()) {
    const start = at;
    head.copy(bytes, start + HEADER_BYTES);
    at = writeAttributes(bytes, start + HEADER_BYTES + padded(head.length), attributes);
    bytes.writeUInt32LE(at - start, start);
    bytes.writeUInt16LE(type, start + 4);
    bytes.writeUInt16LE(flags | FLAGS.request, start + 6);
    bytes.writeUInt32LE(index + 1, start + 8);
  }
  return bytes;
}

/** @returns attributes as they stand in a message. @throws RangeError when one is longer than an attribute can be. */
export function encodeAttributes(attributes: readonly Attribute[]): Buffer {
  const bytes = Buffer.alloc(sizeOfAttributes(attributes));
  writeAttributes(bytes, 0, attributes);
  return bytes;
}

/** A number of 32 bits in the machine's byte order, as rtnetlink has them. */
export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** A number of 32 bits in network byte order, as netfilter has them; below 0 in two's complement. */
export function be32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

/** A text with the NUL that ends it. */
export function text(value: string): Buffer {
  return Buffer.from(`${value}\0`);
}

/** @returns the first message of an answer without its netlink header. @throws RangeError when there is none. */
export function firstBody(answer: Buffer): Buffer {
  const length = answer.readUInt32LE(0);
  return answer.subarray(HEADER_BYTES, length);
}

/** A message of an answer. */
export interface ReceivedMessage {
  readonly type: number;
  readonly body: Buffer;
}

/** @returns the messages of an answer. @throws RangeError when a length is wrong. */
export function messagesOf(answer: Buffer): readonly ReceivedMessage[] {
  const messages: ReceivedMessage[] = [];
  for (let at = 0; at < answer.length; ) {
    const length = answer.readUInt32LE(at);
    if (length < HEADER_BYTES || at + length > answer.length) throw new RangeError('a netlink answer was cut off');
    messages.push({ type: answer.readUInt16LE(at + 4), body: answer.subarray(at + HEADER_BYTES, at + length) });
    at += (length + 3) & ~3;
  }
  return messages;
}

/** @returns the messages of an answer without their netlink headers. @throws RangeError when a length is wrong. */
export function bodiesOf(answer: Buffer): readonly Buffer[] {
  return messagesOf(answer).map(({ body }) => body);
}

/** @returns the attributes that bytes hold, in their order. */
export function attributesOf(bytes: Buffer): readonly { readonly type: number; readonly value: Buffer }[] {
  const attributes: { readonly type: number; readonly value: Buffer }[] = [];
  for (let at = 0; at + ATTRIBUTE_BYTES <= bytes.length; ) {
    const length = Math.max(ATTRIBUTE_BYTES, bytes.readUInt16LE(at));
    attributes.push({ type: bytes.readUInt16LE(at + 2) & TYPE_MASK, value: bytes.subarray(at + 4, at + length) });
    at += (length + 3) & ~3;
  }
  return attributes;
}

function sizeOfMessage({ head, attributes }: NetlinkMessage): number {
  return HEADER_BYTES + padded(head.length) + sizeOfAttributes(attributes);
}

function sizeOfAttributes(attributes: readonly Attribute[]): number {
  return attributes.reduce((sum, { value }) => sum + ATTRIBUTE_BYTES + padded(sizeOfValue(value)), 0);
}

function sizeOfValue(value: Attribute['value']): number {
  return Buffer.isBuffer(value) ? value.length : sizeOfAttributes(value);
}

/** @returns where what follows begins. */
function writeAttributes(bytes: Buffer, from: number, attributes: readonly Attribute[]): number {
  let at = from;
  for (const { type, value } of attributes) {
    const start = at;
    const isLeaf = Buffer.isBuffer(value);
    if (isLeaf) value.copy(bytes, start + ATTRIBUTE_BYTES);
    const end = isLeaf
      ? start + ATTRIBUTE_BYTES + value.length
      : writeAttributes(bytes, start + ATTRIBUTE_BYTES, value);
    const length = end - start;
    if (length > MOST_BYTES)
      throw new RangeError(`netlink attribute ${type} has ${length} bytes, at most ${MOST_BYTES} fit`);
    bytes.writeUInt16LE(length, start);
    bytes.writeUInt16LE(isLeaf ? type : type | NESTED, start + 2);
    at = start + padded(length);
  }
  return at;
}

function padded(length: number): number {
  return (length + 3) & ~3;
}
