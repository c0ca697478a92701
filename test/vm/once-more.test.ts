import { expect, test } from '@jest/globals';
import { bootOnceMore, type Ending } from './once-more.ts';

const STALLED: Ending = { how: 'stalled', isUp: false, console: 'Loading initial ramdisk' };
const FINISHED: Ending = { how: 'finished', isUp: true, console: '' };
const DIED: Ending = { how: 'off', isUp: true, console: 'Kernel panic' };

test.each([
  ['is booted once when it comes up', [FINISHED], FINISHED],
  ['is booted once when it dies after systemd was up', [DIED], DIED],
  ['is booted once more when systemd did not come up', [STALLED, FINISHED], FINISHED],
  ['is booted no third time', [STALLED, STALLED], STALLED],
])('a machine %s', async (_name, endings, last) => {
  const said: string[] = [];
  const left = [...endings];
  const ending = await bootOnceMore(
    () => Promise.resolve(left.shift() ?? FINISHED),
    (line) => said.push(line),
  );
  expect([ending, left]).toEqual([last, []]);
  expect(said.join('\n').includes('Loading initial ramdisk')).toBe(endings.length === 2);
});
