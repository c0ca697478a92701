/** Exit status of every verb, for scripts. */
export const exitCode = {
  /** It worked, and there is nothing to do. */
  ok: 0,
  /** It failed, or what was checked is invalid. */
  failed: 1,
  /** The command line is wrong. */
  usage: 2,
  /** It worked, and the node is not as wanted: steps are pending or something is denied. */
  pending: 3,
  /** The agent is not running, and this needs it. */
  unavailable: 4,
} as const;

export type ExitCode = (typeof exitCode)[keyof typeof exitCode];
