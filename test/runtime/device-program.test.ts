import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { hasDeviceProgram, holdDevices } from '../../native/cgroup/group-devices.ts';
import { parseCgroupMounts } from '../../native/cgroup/mounts.ts';
import { resourcesSchema } from '../../native/runtime/config/resources-schema.ts';
import { deviceProgram } from '../../native/runtime/container/device-program.ts';

let group: string;

beforeEach(async () => {
  const { unified } = parseCgroupMounts(await readFile('/proc/self/mountinfo', 'utf8'));
  if (unified === null) throw new Error('this node has no v2 tree');
  group = join(unified, `holdfast-test-${randomBytes(4).toString('hex')}`);
  await mkdir(group);
});
afterEach(() => rmdir(group));

/** @returns which of some ways to use devices a process in the group has: r, w, or + for both at once. */
function usable(rules: readonly object[], ...devices: readonly string[]): readonly string[] {
  holdDevices(group, deviceProgram(resourcesSchema.parse({ devices: rules }).devices));
  const tries = devices.flatMap((device) => [
    `(true < /dev/${device}) && echo ${device} r`,
    `(true > /dev/${device}) && echo ${device} w`,
    `(true <> /dev/${device}) && echo ${device} +`,
  ]);
  const script = `echo $$ > ${group}/cgroup.procs; exec 2> /dev/null; ${tries.join('; ')}; true`;
  return execFileSync('/bin/busybox', ['sh', '-c', script], { encoding: 'utf8' }).split('\n').slice(0, -1);
}

const NONE = { allow: false, access: 'rwm' };
const all = (device: string): readonly string[] => ['r', 'w', '+'].map((way) => `${device} ${way}`);

describe('a program for the devices of a v2 group', () => {
  test('leaves the default devices when all are denied, and those allowed after that', () => {
    expect(hasDeviceProgram(group)).toBe(false);
    const allowed = { allow: true, type: 'c', major: 1, minor: 11, access: 'w' };
    expect(usable([NONE, allowed], 'null', 'kmsg', 'zero')).toEqual([...all('null'), 'kmsg w', ...all('zero')]);
    expect(hasDeviceProgram(group)).toBe(true);
  });

  test('has the last rule win, for each way of access by itself', () => {
    const rules = [
      NONE,
      { allow: true, type: 'c', major: 1, minor: 5, access: 'r' },
      { allow: false, type: 'c', major: 1, minor: 5, access: 'rw' },
      { allow: true, type: 'c', major: 1, minor: 5, access: 'w' },
      { allow: true, type: 'c', major: 1, minor: 5, access: 'r' },
      { allow: false, type: 'c', major: 1, minor: 7, access: 'w' },
      { allow: false, type: 'c', major: 1, minor: 8 },
    ];
    expect(usable(rules, 'zero', 'full', 'random')).toEqual([...all('zero'), 'full r']);
  });

  test('allows what no rule speaks of, and what is allowed anew altogether', () => {
    const one = { allow: false, type: 'c', major: 1, minor: 5 };
    expect(usable([one], 'zero', 'full')).toEqual(all('full'));
    expect(usable([NONE, one, { allow: true, type: 'a' }], 'full')).toEqual(all('full'));
  });

  test('does not speak of nodes of the other type', () => {
    expect(usable([{ allow: false, type: 'b', major: 1 }], 'zero')).toEqual(all('zero'));
  });
});
