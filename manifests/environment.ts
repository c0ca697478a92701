import type { PodField } from './volume.ts';

/**
 * A variable of a container. `$(VAR)` references in `value` are resolved here already, unless a variable of the container
 * is known at its start only (`isKnownAtStart`): then nothing of the container is, and all of it stays as written.
 */
export interface EnvVar {
  readonly name: string;
  /** Empty when it comes from elsewhere. */
  readonly value: string;
  readonly valueFrom: EnvSource | null;
}

export type EnvSource = KeyRef | PodField;

/** One value of a ConfigMap or Secret. */
export interface KeyRef {
  readonly type: 'configMapKey' | 'secretKey';
  readonly name: string;
  readonly key: string;
  /** True leaves the variable out where there is no such value. */
  readonly isOptional: boolean;
}

/** Every value of a ConfigMap or Secret as a variable; variables of their own win. */
export interface EnvFromSource {
  readonly type: 'configMap' | 'secret';
  readonly name: string;
  /** Put before each key. */
  readonly prefix: string;
  readonly isOptional: boolean;
}

/** @returns whether variables of a container are known at its start only. */
export function isKnownAtStart(container: {
  readonly env: readonly Pick<EnvVar, 'valueFrom'>[];
  readonly envFrom: readonly EnvFromSource[];
}): boolean {
  return container.envFrom.length > 0 || container.env.some(({ valueFrom }) => valueFrom !== null);
}
