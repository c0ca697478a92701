import * as z from 'zod';
import { strictFields } from '../schema/known-fields.ts';
import { labelKey, labelMap, labelValue } from './names.ts';

const MOST_ENTRIES = 64;

const expression = strictFields(
  {
    key: labelKey,
    operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']),
    values: z.array(labelValue).max(MOST_ENTRIES).optional(),
  },
  [],
).superRefine(({ operator, values = [] }, context) => {
  const takesValues = operator === 'In' || operator === 'NotIn';
  if (takesValues === values.length > 0) return;
  const message = takesValues ? `needs \`values\` to compare with` : 'takes no `values`; remove them';
  context.addIssue({ code: 'custom', path: ['operator'], message });
});

/** LabelSelector as written. */
export const labelSelector = strictFields(
  { matchLabels: labelMap.optional(), matchExpressions: z.array(expression).max(MOST_ENTRIES).optional() },
  [],
).transform(({ matchLabels = {}, matchExpressions = [] }) => ({
  matchLabels,
  matchExpressions: matchExpressions.map(({ key, operator, values = [] }) => ({ key, operator, values })),
}));
