import { closeSync } from 'node:fs';
import koffi from 'koffi';
import { type NativeError, nativeErrorType, nativeLibrary, toBackendError } from '../../library.ts';
import { encodeMessages, FLAGS, type NetlinkMessage } from './message.ts';
import type { NetworkNamespace } from './namespace.ts';

const PROTOCOLS = { route: 0, netfilter: 12 } as const;
const ANSWER_BYTES = { one: 32_768, list: 4 * 1024 * 1024 } as const;

/** A conversation with the kernel about one network namespace. */
export interface NetlinkSocket {
  /**
   * Sends messages at once; the last with FLAGS.ack ends the conversation.
   * @returns what the kernel sent besides acknowledgements. @throws BackendError with the stage and the kernel's words.
   */
  talk(stage: string, messages: readonly NetlinkMessage[]): Promise<Buffer>;
}

type Told = [stage: string, sent: Buffer, size: number, answer: Buffer, room: number, error: NativeError];
type Done = (broken: Error | null, bytes: number) => void;
type Talk = { async(...args: [fd: number, ...told: Told, done: Done]): void };
type Visit = { async(...args: [namespace: number, protocol: number, ...told: Told, done: Done]): void };

interface Native {
  readonly open: (namespace: number, protocol: number, error: NativeError) => number;
  readonly talk: Talk;
  readonly visit: Visit;
}

let native: Native | undefined;

/** Opens a netlink socket in a namespace for the time of a task. @throws BackendError, and what the task throws. */
export async function withNetlink<T>(
  namespace: NetworkNamespace,
  protocol: keyof typeof PROTOCOLS,
  task: (socket: NetlinkSocket) => Promise<T>,
): Promise<T> {
  native ??= bind();
  const { open, talk } = native;
  const failure = {} as NativeError;
  const fd = open(namespace.fd, PROTOCOLS[protocol], failure);
  if (fd < 0) throw toBackendError(failure);
  try {
    return await task({
      talk: (stage, messages) => asked(stage, messages, (told, done) => talk.async(fd, ...told, done)),
    });
  } finally {
    closeSync(fd);
  }
}

/**
 * Sends messages one after the other in a namespace, each when the one before was answered: several lists may be asked for.
 * The first refusal ends it.
 * @returns what the kernel sent besides acknowledgements. @throws BackendError with the stage and the kernel's words.
 */
export function visitNamespace(
  namespace: NetworkNamespace,
  stage: string,
  messages: readonly NetlinkMessage[],
): Promise<Buffer> {
  native ??= bind();
  const { visit } = native;
  return asked(stage, messages, (told, done) => visit.async(namespace.fd, PROTOCOLS.route, ...told, done));
}

function bind(): Native {
  const library = nativeLibrary();
  const error = koffi.out(koffi.pointer(nativeErrorType));
  const told = ['str', 'const void *', 'size_t', 'void *', 'size_t', error];
  return {
    open: library.func('hf_net_socket', 'int32_t', ['int32_t', 'int32_t', error]) as Native['open'],
    talk: library.func('hf_net_talk', 'int32_t', ['int32_t', ...told]) as unknown as Talk,
    visit: library.func('hf_net_visit', 'int32_t', ['int32_t', 'int32_t', ...told]) as unknown as Visit,
  };
}

function asked(
  stage: string,
  messages: readonly NetlinkMessage[],
  call: (told: Told, done: Done) => void,
): Promise<Buffer> {
  const sent = encodeMessages(messages);
  const isList = messages.some(({ flags }) => (flags & FLAGS.dump) === FLAGS.dump && (flags & FLAGS.create) === 0);
  const answer = Buffer.allocUnsafe(ANSWER_BYTES[isList ? 'list' : 'one']);
  const failure = {} as NativeError;
  return new Promise((resolve, reject) => {
    call([stage, sent, sent.length, answer, answer.length, failure], (broken, bytes) => {
      if (broken) reject(broken);
      else if (bytes < 0) reject(toBackendError(failure));
      else resolve(answer.subarray(0, bytes));
    });
  });
}
