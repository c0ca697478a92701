import { type Attribute, be32, FLAGS, firstBody, type NetlinkMessage, text } from '../netlink/message.ts';
import type { Expression } from './expressions.ts';

/** A table of rules as data. Its family is inet: IPv4 and IPv6 in one. */
export interface Table {
  readonly name: string;
  readonly sets: readonly TableSet[];
  readonly chains: readonly Chain[];
}

/** A set, or with `data` a map. */
export interface TableSet {
  readonly name: string;
  readonly key: readonly FieldType[];
  readonly data?: readonly FieldType[];
}

export type FieldType = keyof typeof FIELDS;

export interface Chain {
  readonly name: string;
  /** Where packets enter it; null for a chain that others jump to. */
  readonly hook: Hook | null;
  readonly rules: readonly (readonly Expression[])[];
}

export interface Hook {
  readonly type: 'filter' | 'nat';
  readonly at: keyof typeof HOOKS;
  readonly priority: number;
}

/** An element of a set: its key's fields one after the other, each padded to 4 bytes; likewise its data. */
export interface Element {
  readonly set: string;
  readonly key: Buffer;
  readonly data?: Buffer;
}

/** Numbers libnftables gives the types, by which its `list` knows how to print, and their bytes. */
const FIELDS = {
  link: { type: 41, bytes: 16 },
  protocol: { type: 12, bytes: 4 },
  port: { type: 13, bytes: 4 },
  address4: { type: 7, bytes: 4 },
  address6: { type: 8, bytes: 16 },
  mac: { type: 9, bytes: 8 },
  turn: { type: 4, bytes: 4 },
} as const;
const HOOKS = { prerouting: 0, input: 1, forward: 2, output: 3, postrouting: 4 } as const;
const SUBSYSTEM = 10;
const TYPES = {
  ...{ newTable: 0, deleteTable: 2, newChain: 3, getChain: 4, newRule: 6, getRule: 7 },
  ...{ newSet: 9, getSet: 10, newElement: 12, getElement: 13, deleteElement: 14, getGeneration: 16 },
} as const;
const BEGIN = 0x10;
const END = 0x11;
const INET = 1;
/** libnftables prints a name only when it is told that its bytes stand in the machine's order. */
const IN_MACHINE_ORDER = Buffer.from([0, 4, 1, 0, 0, 0]);
const IS_MAP = 0x8;
/** So that a list of elements stays below what an attribute can hold. */
const MOST_ELEMENTS = 256;

/** Puts a table with these elements in place of what there is of that name, in one transaction. */
export function replaceTable(table: Table, elements: readonly Element[]): readonly NetlinkMessage[] {
  return batch([
    tableMessage('newTable', table.name),
    tableMessage('deleteTable', table.name),
    tableMessage('newTable', table.name),
    ...table.sets.map((set, index) => setMessage(table.name, set, index + 1)),
    ...table.chains.map((chain) => chainMessage(table.name, chain)),
    ...table.chains.flatMap((chain) => chain.rules.map((rule) => ruleMessage(table.name, chain.name, rule))),
    ...elementMessages('newElement', table.name, elements),
  ]);
}

/** Removes a table, there or not. */
export function removeTable(name: string): readonly NetlinkMessage[] {
  return batch([tableMessage('newTable', name), tableMessage('deleteTable', name)]);
}

/** Adds elements; the same ones again change nothing. */
export function addElements(table: string, elements: readonly Element[]): readonly NetlinkMessage[] {
  return batch(elementMessages('newElement', table, elements));
}

/** Removes elements, there or not: what is added first is there. */
export function removeElements(table: string, elements: readonly Element[]): readonly NetlinkMessage[] {
  return batch([
    ...elementMessages('newElement', table, elements),
    ...elementMessages('deleteElement', table, elements),
  ]);
}

/** Asks for the number of the ruleset, which every change by anybody raises. */
export function getGeneration(): readonly NetlinkMessage[] {
  return [{ ...message('getGeneration', FLAGS.ack, []), head: head(0, 0) }];
}

/** @returns the number in the answer to {@link getGeneration}. */
export function generationIn(answer: Buffer): number {
  // The first attribute, after the headers of netlink, netfilter and the attribute itself.
  return firstBody(answer).readUInt32BE(8);
}

/** Asks for everything there is in a table, one conversation each: its chains, rules and sets, and the elements of each set. */
export function listTable(table: string, sets: readonly string[]): readonly (readonly NetlinkMessage[])[] {
  const dump = (type: 'getChain' | 'getRule' | 'getSet' | 'getElement', attributes: readonly Attribute[]) => [
    message(type, FLAGS.ack | FLAGS.dump, attributes),
  ];
  const ofTable = { type: 1, value: text(table) };
  return [
    dump('getChain', [ofTable]),
    dump('getRule', [ofTable]),
    dump('getSet', [ofTable]),
    ...sets.map((set) => dump('getElement', [ofTable, { type: 2, value: text(set) }])),
  ];
}

/** All or nothing. Of the messages the last one is acknowledged, and each one that fails. */
function batch(messages: readonly NetlinkMessage[]): readonly NetlinkMessage[] {
  const last = messages.length - 1;
  return [
    { type: BEGIN, flags: 0, head: head(0, SUBSYSTEM), attributes: [] },
    ...messages.map((message, i) => (i === last ? { ...message, flags: message.flags | FLAGS.ack } : message)),
    { type: END, flags: 0, head: head(0, SUBSYSTEM), attributes: [] },
  ];
}

function message(type: keyof typeof TYPES, flags: number, attributes: readonly Attribute[]): NetlinkMessage {
  return { type: (SUBSYSTEM << 8) | TYPES[type], flags, head: head(INET, 0), attributes };
}

/** `struct nfgenmsg`. */
function head(family: number, resource: number): Buffer {
  return Buffer.from([family, 0, resource >> 8, resource & 0xff]);
}

function tableMessage(type: 'newTable' | 'deleteTable', name: string): NetlinkMessage {
  return message(type, type === 'newTable' ? FLAGS.create : 0, [{ type: 1, value: text(name) }]);
}

function setMessage(table: string, { name, key, data }: TableSet, id: number): NetlinkMessage {
  const dataAttributes = data ? [number(6, typeOf(data)), number(7, bytesOf(data))] : [];
  return message('newSet', FLAGS.create, [
    { type: 1, value: text(table) },
    { type: 2, value: text(name) },
    number(3, data ? IS_MAP : 0),
    number(4, typeOf(key)),
    number(5, bytesOf(key)),
    ...dataAttributes,
    number(10, id),
    ...(key.join() === 'link' || key.join() === 'turn' ? [{ type: 13, value: IN_MACHINE_ORDER }] : []),
  ]);
}

function chainMessage(table: string, { name, hook }: Chain): NetlinkMessage {
  const entrance = hook && [
    { type: 4, value: [number(1, HOOKS[hook.at]), number(2, hook.priority)] },
    { type: 7, value: text(hook.type) },
  ];
  return message('newChain', FLAGS.create, [
    { type: 1, value: text(table) },
    { type: 3, value: text(name) },
    ...(entrance ?? []),
  ]);
}

function ruleMessage(table: string, chain: string, expressions: readonly Expression[]): NetlinkMessage {
  return message('newRule', FLAGS.create | FLAGS.append, [
    { type: 1, value: text(table) },
    { type: 2, value: text(chain) },
    { type: 4, value: expressions },
  ]);
}

function elementMessages(
  type: 'newElement' | 'deleteElement',
  table: string,
  elements: readonly Element[],
): readonly NetlinkMessage[] {
  const names = [...new Set(elements.map(({ set }) => set))];
  return names.flatMap((name) => {
    const own = elements.filter(({ set }) => set === name);
    const parts = Array.from({ length: Math.ceil(own.length / MOST_ELEMENTS) }, (_, i) =>
      own.slice(i * MOST_ELEMENTS, (i + 1) * MOST_ELEMENTS),
    );
    return parts.map((part) => elementMessage(type, { table, name, elements: part }));
  });
}

interface Elements {
  readonly table: string;
  readonly name: string;
  readonly elements: readonly Element[];
}

function elementMessage(type: 'newElement' | 'deleteElement', { table, name, elements }: Elements): NetlinkMessage {
  const list = elements.map(({ key, data }) => ({
    type: 1,
    value: [value(1, key), ...(data ? [value(2, data)] : [])],
  }));
  return message(type, type === 'newElement' ? FLAGS.create : 0, [
    { type: 1, value: text(table) },
    { type: 2, value: text(name) },
    { type: 3, value: list },
  ]);
}

/** The type of several fields is that of each in 6 bits. */
function typeOf(fields: readonly FieldType[]): number {
  return fields.reduce((type, field) => (type << 6) | FIELDS[field].type, 0);
}

function bytesOf(fields: readonly FieldType[]): number {
  return fields.reduce((bytes, field) => bytes + FIELDS[field].bytes, 0);
}

function number(type: number, of: number): Attribute {
  return { type, value: be32(of) };
}

function value(type: number, bytes: Buffer): Attribute {
  return { type, value: [{ type: 1, value: bytes }] };
}
