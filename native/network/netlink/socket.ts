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

type Talk = {
  async(
    ...args: [
      ...call: [number, string, Buffer, number, Buffer, number, NativeError],
      done: (broken: Error | null, bytes: number) => void,
    ]
  ): void;
};

interface Native {
  readonly open: (namespace: number, protocol: number, error: NativeError) => number;
  readonly talk: Talk;
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
    return await task({ talk: (stage, messages) => converse(talk, { fd, stage, messages }) });
  } finally {
    closeSync(fd);
  }
}

function bind(): Native {
  const library = nativeLibrary();
  const error = koffi.out(koffi.pointer(nativeErrorType));
  const call = ['int32_t', 'str', 'const void *', 'size_t', 'void *', 'size_t', error];
  return {
    open: library.func('hf_net_socket', 'int32_t', ['int32_t', 'int32_t', error]) as Native['open'],
    talk: library.func('hf_net_talk', 'int32_t', call) as unknown as Talk,
  };
}

interface Call {
  readonly fd: number;
  readonly stage: string;
  readonly messages: readonly NetlinkMessage[];
}

function converse(talk: Talk, { fd, stage, messages }: Call): Promise<Buffer> {
  const sent = encodeMessages(messages);
  const isList = messages.some(({ flags }) => (flags & FLAGS.dump) === FLAGS.dump && (flags & FLAGS.create) === 0);
  const answer = Buffer.alloc(ANSWER_BYTES[isList ? 'list' : 'one']);
  const failure = {} as NativeError;
  return new Promise((resolve, reject) => {
    talk.async(fd, stage, sent, sent.length, answer, answer.length, failure, (broken, bytes) => {
      if (broken) reject(broken);
      else if (bytes < 0) reject(toBackendError(failure));
      else resolve(answer.subarray(0, bytes));
    });
  });
}
