import type { WrittenResourceField } from '../kinds/pod-field.ts';
import type { PodField } from '../volume.ts';

interface WrittenPodField {
  readonly fieldRef?: { readonly fieldPath: string } | undefined;
  readonly resourceFieldRef?: WrittenResourceField | undefined;
}

/** @param own name of the container the field is written in, which it means unless it names another; '' outside of any. */
export function lowerPodField({ fieldRef, resourceFieldRef }: WrittenPodField, own: string): PodField | null {
  if (fieldRef) return { type: 'field', fieldPath: fieldRef.fieldPath };
  if (!resourceFieldRef) return null;
  const { containerName = own, resource, divisor } = resourceFieldRef;
  return { type: 'resource', container: containerName, resource, divisor };
}
