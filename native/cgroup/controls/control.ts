import type { ClampedSetting } from '../../backend.ts';
import { BackendError } from '../../errors.ts';
import type { Limits } from '../../limits.ts';
import type { Base } from '../base.ts';

/** One kind of limit beyond those every group has, on one version of cgroups. Nothing of it is touched unless it is asked for. */
export interface LimitControl {
  /** Whether any of its limits is set. */
  isAsked(limits: Limits): boolean;
  /** v1: the hierarchy a group that asks for it is made in and enters, besides those all enter. */
  readonly hierarchy: Base | null;
  /** v2: the controller that must be handed down to a group that asks for it, and the tree it is in. */
  readonly controller: { readonly name: string; readonly base: Base } | null;
  /** Sets its limits; what was set `before` and is not asked for now is taken away. @returns what this node holds only in part. */
  write(group: string, limits: Limits, before: Limits): Promise<readonly ClampedSetting[]>;
  /** What the kernel has, in the terms in which it was asked for: whatever comes to the same for the kernel is read as asked. */
  read(group: string, asked: Limits): Promise<Partial<Limits>>;
}

/** The directory of a group in the hierarchy or tree of a control. */
export type DirectoryOf = (group: string) => string;

/** @returns the error of a hard limit that this node cannot hold. */
export function cannotHold(field: string, why: string, cause?: unknown): BackendError {
  const errno = cause instanceof BackendError ? cause.errno : null;
  return new BackendError('unsupported', 'set limits', `limits.${field}: ${why}`, {
    cause,
    ...(errno === null ? {} : { errno }),
  });
}

/** @returns a control of a controller the node does not have: asking for it is refused. */
export function missingControl(fields: readonly (keyof Limits)[], why: string): LimitControl {
  const asked = (limits: Limits): keyof Limits | undefined => fields.find((field) => isSet(limits[field]));
  return {
    isAsked: (limits) => asked(limits) !== undefined,
    hierarchy: null,
    controller: null,
    write: async (_, limits) => {
      const field = asked(limits);
      if (field !== undefined) throw cannotHold(field, why);
      return [];
    },
    read: async () => ({}),
  };
}

/** @returns a control of weights the node does not have at all: they are reported as clamped. */
export function missingWeights(): LimitControl {
  return {
    isAsked: ({ ioWeight }) => isSet(ioWeight),
    hierarchy: null,
    controller: null,
    write: async (_, { ioWeight }) => (isSet(ioWeight) ? ['ioWeight'] : []),
    read: async (_, { ioWeight }) => ({ ioWeight: ioWeight ?? null }),
  };
}

/** @returns whether a limit is there and says something. */
export function isSet(value: Limits[keyof Limits]): boolean {
  if (value === null || value === undefined) return false;
  return typeof value !== 'object' || Object.keys(value).length > 0;
}
