/** @returns every licence that expressions name (SPDX 2.3, annex D), sorted; a plain name is taken as it is. */
export function licenseIdsOf(expressions: readonly string[]): readonly string[] {
  return [...new Set(expressions.flatMap(idsIn))].sort();
}

const IDENTIFIER = /^[A-Za-z0-9.:+-]+$/;
const OPERATORS = ['AND', 'OR', 'WITH'];

function idsIn(expression: string): readonly string[] {
  const words = expression.split(/[\s()]+/).filter((word) => word !== '');
  const isExpression = words.every((word) => IDENTIFIER.test(word)) && (words.length === 1 || words.some(isOperator));
  return isExpression ? words.filter((word) => !isOperator(word)) : [expression.trim()].filter((name) => name !== '');
}

function isOperator(word: string): boolean {
  return OPERATORS.includes(word.toUpperCase());
}
