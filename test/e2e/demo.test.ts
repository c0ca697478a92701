import { expect, test } from '@jest/globals';
import { runDemo } from '../demo/run-demo.ts';

test('the demo keeps every promise', async () => {
  let told = '';
  await runDemo(
    (text) => {
      told += text;
    },
    new Promise(() => undefined),
  );
  expect(told).toMatch(/All \d+ promises were kept/);
}, 180_000);
