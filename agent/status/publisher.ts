import type { NodeStatus } from '../../manifests/index.ts';
import { nodeStatus, type StatusInput } from './node-status.ts';

/** Keeps the newest status, and passes it on only when it says something new. */
export interface StatusPublisher {
  current(): NodeStatus;
  publish(input: StatusInput): Promise<void>;
}

/**
 * @param onChange told of each new status and the one before; an idle node is never told anything, so that it neither
 * wears out its disk nor talks.
 */
export function createStatusPublisher(
  first: StatusInput,
  onChange: (status: NodeStatus, before: NodeStatus | null) => Promise<void>,
): StatusPublisher {
  let status = nodeStatus(first, null);
  let isPublished = false;
  return {
    current: () => status,
    publish: async (input) => {
      const next = nodeStatus(input, status);
      if (isPublished && JSON.stringify(next) === JSON.stringify(status)) return;
      const before = isPublished ? status : null;
      isPublished = true;
      status = next;
      await onChange(status, before);
    },
  };
}
