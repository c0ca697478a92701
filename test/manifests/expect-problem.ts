import { expect } from '@jest/globals';
import { parseManifests } from '../../manifests/index.ts';
import { marked } from './marked-text.ts';

/** Expects exactly one problem, where the mark is. */
export function expectProblem(markedText: string, path: string, message: string | RegExp): void {
  const { text, line, column } = marked(markedText);
  const { problems } = parseManifests([{ path: 'apps/web.yaml', text }]);
  expect(problems).toEqual([
    {
      file: 'apps/web.yaml',
      line,
      column,
      path,
      message: typeof message === 'string' ? message : expect.stringMatching(message),
    },
  ]);
}
