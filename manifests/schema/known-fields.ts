import * as z from 'zod';
import type { FieldSteps } from '../yaml/field-path.ts';

/** What a strict object may hold, and what it might once hold. */
export interface KnownFields {
  readonly supported: readonly string[];
  /** Fields that exist where the format comes from and that Holdfast does not support yet. */
  readonly unsupported: readonly string[];
}

const unsupportedFields = z.registry<{ readonly fields: readonly string[] }>();

/**
 * Makes a strict object schema that tells a field not supported yet from one that does not exist.
 * @param unsupported names the fields not supported yet; a supported one among them is a mistake of the caller.
 */
export function strictFields<Shape extends z.core.$ZodLooseShape>(
  shape: Shape,
  unsupported: readonly string[],
): z.ZodObject<Shape, z.core.$strict> {
  return z.strictObject(shape).register(unsupportedFields, { fields: unsupported });
}

/** @returns the fields of the object schema that `steps` lead to; none when they lead elsewhere. */
export function knownFieldsAt(schema: z.core.$ZodType, steps: FieldSteps): KnownFields {
  for (const object of objectsAt(schema, steps)) {
    const supported = Object.keys(object._zod.def.shape);
    return { supported, unsupported: unsupportedFields.get(object)?.fields ?? [] };
  }
  return { supported: [], unsupported: [] };
}

function* objectsAt(schema: z.core.$ZodType, steps: FieldSteps): Generator<z.core.$ZodObject> {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  const [step, ...rest] = steps;
  switch (def.type) {
    case 'object': {
      if (step === undefined) yield schema as z.core.$ZodObject;
      const field = Object.hasOwn(def.shape, String(step)) ? def.shape[String(step)] : undefined;
      if (field) yield* objectsAt(field, rest);
      return;
    }
    case 'array':
      if (typeof step === 'number') yield* objectsAt(def.element, rest);
      return;
    case 'record':
      if (step !== undefined) yield* objectsAt(def.valueType, rest);
      return;
    case 'union':
      for (const option of def.options) yield* objectsAt(option, steps);
      return;
    case 'pipe':
      yield* objectsAt(def.in, steps);
      return;
    case 'optional':
    case 'nullable':
    case 'default':
    case 'prefault':
    case 'readonly':
    case 'nonoptional':
    case 'catch':
      yield* objectsAt(def.innerType, steps);
      return;
    case 'lazy':
      yield* objectsAt(def.getter(), steps);
      return;
    default:
  }
}
