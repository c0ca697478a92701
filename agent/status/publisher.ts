import type { NodeStatus } from '../../manifests/index.ts';
import { nodeStatus, type StatusInput } from './node-status.ts';

/** Keeps the newest status, and passes it on only when it says something new. */
export interface StatusPublisher {
  current(): NodeStatus;
  /** Never rejects: a status that could not be kept says so itself, and is kept as soon as that works. */
  publish(input: StatusInput): Promise<void>;
}

export interface StatusPorts {
  /** Told of each new status and the one before; an idle node tells nothing. */
  readonly onChange: (status: NodeStatus, before: NodeStatus | null) => void;
  /** Keeps a status for when the agent is down. Not called for one that is kept already, so that no disk is worn out. */
  readonly keep: (status: NodeStatus) => Promise<void>;
}

/** Makes a publisher that has told nothing yet. */
export function createStatusPublisher(first: StatusInput, { onChange, keep }: StatusPorts): StatusPublisher {
  let status = nodeStatus(first, null);
  let told: string | null = null;
  let unkept: string | null = null;
  return {
    current: () => status,
    publish: async (input) => {
      const next = nodeStatus({ ...input, failure: input.failure ?? unkept }, status);
      const text = JSON.stringify(next);
      if (text === told && unkept === null) return;
      const before = told === null ? null : status;
      status = next;
      if (text !== told) onChange(next, before);
      told = text;
      unkept = await keep(next).then(
        () => null,
        (error: Error) => `cannot keep the status: ${error.message}`,
      );
    },
  };
}
