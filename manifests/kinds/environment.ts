import * as z from 'zod';
import { strictFields } from '../schema/known-fields.ts';
import { exactlyOne } from './exactly-one.ts';
import { dataKey } from './keyed-data.ts';
import { UNSUPPORTED } from './kubernetes-fields.ts';
import { dnsSubdomain } from './names.ts';
import { envFieldRef, resourceFieldRef } from './pod-field.ts';

const variableName = z.string().regex(/^[A-Za-z_.-][A-Za-z0-9_.-]*$/, {
  error: 'must be letters, digits, `_`, `.` and `-`, and must not begin with a digit',
});

const keyRef = strictFields({ name: dnsSubdomain, key: dataKey, optional: z.boolean().optional() }, []);

const valueFrom = strictFields(
  {
    configMapKeyRef: keyRef.optional(),
    secretKeyRef: keyRef.optional(),
    fieldRef: envFieldRef.optional(),
    resourceFieldRef: resourceFieldRef.optional(),
  },
  UNSUPPORTED.envVarSource,
).superRefine(exactlyOne(['configMapKeyRef', 'secretKeyRef', 'fieldRef', 'resourceFieldRef']));

/** A variable as written. */
export const envVar = strictFields(
  { name: variableName, value: z.string().optional(), valueFrom: valueFrom.optional() },
  [],
).superRefine(({ value, valueFrom: source }, context) => {
  if (value === undefined || source === undefined) return;
  context.addIssue({ code: 'custom', path: ['valueFrom'], message: 'is written beside `value`; keep one of them' });
});

const objectRef = strictFields({ name: dnsSubdomain, optional: z.boolean().optional() }, []);

/** All values of an object as variables, as written. */
export const envFromSource = strictFields(
  { prefix: variableName.optional(), configMapRef: objectRef.optional(), secretRef: objectRef.optional() },
  [],
).superRefine(exactlyOne(['configMapRef', 'secretRef']));

/** A variable as written. */
export type WrittenEnvVar = z.output<typeof envVar>;

/** All values of an object as variables, as written. */
export type WrittenEnvFrom = z.output<typeof envFromSource>;
