import type * as z from 'zod';
import type { Problem } from '../origin.ts';
import { nearest } from '../text/nearest.ts';
import { quoted } from '../text/quoted.ts';
import { type FieldSteps, fieldPath } from '../yaml/field-path.ts';
import type { Place, YamlDocument } from '../yaml/yaml-document.ts';
import { issueMessage } from './issue-message.ts';
import { knownFieldsAt } from './known-fields.ts';

/** A document held to a schema. `value` is null when the document has any problem, found here or while reading it. */
export interface Validated<Value> {
  readonly value: Value | null;
  readonly problems: readonly Problem[];
}

/**
 * Holds a document to a schema and places every problem in the file. Works for any schema made of zod's strict objects;
 * one made with `strictFields` also tells fields that are not supported yet.
 * @returns the schema's output, or the problems in the order of the file; those of reading are not repeated.
 */
export function validate<Value>(schema: z.ZodType<Value>, document: YamlDocument): Validated<Value> {
  const result = schema.safeParse(document.value, { error: issueMessage, reportInput: true });
  if (result.success) return { value: document.flawed.length === 0 ? result.data : null, problems: [] };
  const problems = result.error.issues
    .flatMap((issue) => complaintsOf(schema, issue))
    .filter(({ steps }) => !document.flawed.includes(fieldPath(steps)))
    .map(({ steps, message }) => ({
      file: document.file,
      ...nearestPlace(document, steps),
      path: fieldPath(steps),
      message,
    }))
    .sort((a, b) => a.line - b.line || a.column - b.column);
  return { value: null, problems };
}

interface Complaint {
  readonly steps: FieldSteps;
  readonly message: string;
}

function complaintsOf(schema: z.ZodType, issue: z.core.$ZodIssue): readonly Complaint[] {
  const steps = issue.path.map((step) => (typeof step === 'number' ? step : String(step)));
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ steps: [...steps, key], message: unknownField(schema, steps, key) }));
  }
  // A schema's own words describe a wrong value, not a missing one.
  const message = issue.code !== 'custom' && issue.input === undefined ? 'is required' : issue.message;
  return [{ steps, message }];
}

function unknownField(schema: z.ZodType, steps: FieldSteps, key: string): string {
  const { supported, unsupported } = knownFieldsAt(schema, steps);
  if (unsupported.includes(key)) return `field ${quoted(key)} is not supported yet; remove it`;
  const meant = nearest(key, supported);
  return meant === null
    ? `unknown field ${quoted(key)}; remove it`
    : `unknown field ${quoted(key)}, did you mean ${quoted(meant)}?`;
}

/** The place of the field, or of the nearest one around it that was written. */
function nearestPlace(document: YamlDocument, steps: FieldSteps): Place {
  for (let length = steps.length; length >= 0; length -= 1) {
    const place = document.positions[fieldPath(steps.slice(0, length))];
    if (place) return place;
  }
  return { line: 1, column: 1 };
}
