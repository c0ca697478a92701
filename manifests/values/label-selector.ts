import type { StringMap } from '../workload.ts';

/** Kubernetes LabelSelector: everything in it must hold; an empty one selects all. */
export interface LabelSelector {
  readonly matchLabels: StringMap;
  readonly matchExpressions: readonly LabelExpression[];
}

/** Kubernetes LabelSelectorRequirement. `values` is empty for `Exists` and `DoesNotExist`. */
export interface LabelExpression {
  readonly key: string;
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
  readonly values: readonly string[];
}

/** @returns whether labels are such as a selector asks for. */
export function selects({ matchLabels, matchExpressions }: LabelSelector, labels: StringMap): boolean {
  return hasLabels(labels, matchLabels) && matchExpressions.every((expression) => holds(expression, labels));
}

/** @returns whether every entry of `wanted` is among `labels`. */
export function hasLabels(labels: StringMap, wanted: StringMap): boolean {
  return Object.entries(wanted).every(([key, value]) => Object.hasOwn(labels, key) && labels[key] === value);
}

function holds({ key, operator, values }: LabelExpression, labels: StringMap): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    default:
      return operator satisfies never;
  }
}
