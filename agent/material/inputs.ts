import { createHmac } from 'node:crypto';
import { allContainers, type Container, type KeyedValues, type Workload } from '../../manifests/index.ts';
import type { Inputs } from '../reconcile/state.ts';
import type { Material } from './material.ts';

/** Of a version that takes nothing. */
export const NO_INPUTS: Inputs = { env: {}, files: null };

/** @returns digests of what a workload takes from ConfigMaps and Secrets. @param key of the node. */
export function inputsOf(workload: Workload, material: Material, key: Uint8Array): Inputs {
  const { namespace, pod } = workload;
  const values = (type: 'configMap' | 'secret', name: string): KeyedValues | null =>
    material.values(type === 'secret' ? 'Secret' : 'ConfigMap', namespace, name);
  const env = allContainers(pod).flatMap((container) => {
    const taken = envValues(container, values);
    return taken.length === 0 ? [] : [[container.name, digest(taken, key)] as const];
  });
  const files = pod.volumes.flatMap((volume) =>
    volume.type !== 'projected'
      ? []
      : volume.sources.flatMap((source) =>
          source.type === 'downwardAPI' ? [] : [[source.type, source.name, dump(values(source.type, source.name))]],
        ),
  );
  return { env: Object.fromEntries(env), files: files.length === 0 ? null : digest(files, key) };
}

function envValues(
  { env, envFrom }: Container,
  values: (type: 'configMap' | 'secret', name: string) => KeyedValues | null,
): readonly unknown[] {
  const whole = envFrom.map(({ type, name }) => [type, name, dump(values(type, name))]);
  const single = env.flatMap(({ valueFrom }) => {
    if (valueFrom?.type !== 'secretKey' && valueFrom?.type !== 'configMapKey') return [];
    const { type, name, key } = valueFrom;
    const value = values(type === 'secretKey' ? 'secret' : 'configMap', name)?.get(key);
    return [[type, name, key, value === undefined ? null : base64(value)]];
  });
  return [...whole, ...single];
}

function dump(values: KeyedValues | null): unknown {
  return values === null ? null : values.keys.map((key) => [key, base64(values.get(key) ?? new Uint8Array())]);
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}

function digest(value: unknown, key: Uint8Array): string {
  return createHmac('sha256', key).update(JSON.stringify(value)).digest('hex');
}
