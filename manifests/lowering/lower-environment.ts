import type { EnvFromSource, EnvSource, EnvVar } from '../environment.ts';
import type { WrittenEnvFrom, WrittenEnvVar } from '../kinds/environment.ts';
import { lowerPodField } from './lower-pod-field.ts';

/** Fills the defaults of a variable; what it refers to stays as written. @param container it belongs to. */
export function lowerEnvVar({ name, value = '', valueFrom }: WrittenEnvVar, container: string): EnvVar {
  return { name, value, valueFrom: valueFrom ? lowerSource(valueFrom, container) : null };
}

function lowerSource(written: NonNullable<WrittenEnvVar['valueFrom']>, container: string): EnvSource | null {
  const { configMapKeyRef, secretKeyRef } = written;
  const ref = configMapKeyRef ?? secretKeyRef;
  if (!ref) return lowerPodField(written, container);
  const { name, key, optional = false } = ref;
  return { type: configMapKeyRef ? 'configMapKey' : 'secretKey', name, key, isOptional: optional };
}

/** Fills the defaults of a source of many variables. */
export function lowerEnvFrom({ prefix = '', configMapRef, secretRef }: WrittenEnvFrom): readonly EnvFromSource[] {
  const ref = configMapRef ?? secretRef;
  if (!ref) return [];
  const type = configMapRef ? 'configMap' : 'secret';
  return [{ type, name: ref.name, prefix, isOptional: ref.optional ?? false }];
}
