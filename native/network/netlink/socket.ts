import { closeSync } from 'node:fs';
import koffi from 'koffi';
import type { BackendError } from '../../errors.ts';
import { type NativeError, nativeErrorType, nativeLibrary, toBackendError } from '../../library.ts';
import { encodeMessages, FLAGS, type NetlinkMessage } from './message.ts';
import type { NetworkNamespace } from './namespace.ts';

const PROTOCOLS = { route: 0, netfilter: 12 } as const;
/** Room for an answer; for lists, which may be long, as much as they turn out to need. */
const ROOM = { usual: 32_768, growth: 16, most: 128 * 1024 * 1024 } as const;

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
      talk: (stage, messages) =>
        asked({ stage, messages, room: ROOM.usual }, (told, done) => talk.async(fd, ...told, done)),
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
export async function visitNamespace(
  namespace: NetworkNamespace,
  stage: string,
  messages: readonly NetlinkMessage[],
  protocol: keyof typeof PROTOCOLS = 'route',
): Promise<Buffer> {
  native ??= bind();
  const { visit } = native;
  const isList = messages.every(({ flags }) => (flags & FLAGS.dump) === FLAGS.dump && (flags & FLAGS.create) === 0);
  for (let room: number = ROOM.usual; ; room *= ROOM.growth) {
    try {
      return await asked({ stage, messages, room }, (told, done) =>
        visit.async(namespace.fd, PROTOCOLS[protocol], ...told, done),
      );
    } catch (error) {
      const isTooLong = isList && (error as BackendError).errno === 'ENOBUFS' && room < ROOM.most;
      if (!isTooLong) throw error;
    }
  }
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

interface Question {
  readonly stage: string;
  readonly messages: readonly NetlinkMessage[];
  /** Bytes that an answer may have. */
  readonly room: number;
}

function asked({ stage, messages, room }: Question, call: (told: Told, done: Done) => void): Promise<Buffer> {
  const sent = encodeMessages(messages);
  const answer = Buffer.allocUnsafe(room);
  const failure = {} as NativeError;
  return new Promise((resolve, reject) => {
    call([stage, sent, sent.length, answer, answer.length, failure], (broken, bytes) => {
      if (broken) reject(broken);
      else if (bytes < 0) reject(toBackendError(failure));
      else resolve(answer.subarray(0, bytes));
    });
  });
}
