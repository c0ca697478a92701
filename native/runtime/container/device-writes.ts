import type { RawWrite } from '../../cgroup/raw-control.ts';
import type { DeviceRule } from '../config/resources-schema.ts';

/** What every container may use, and nodes it may make without using them. https://github.com/opencontainers/runtime-spec/blob/v1.2.0/config-linux.md#default-devices */
const DEFAULT = [
  'c *:* m',
  'b *:* m',
  ...['1:3', '1:5', '1:7', '1:8', '1:9', '5:0', '5:2', '136:*'].map((numbers) => `c ${numbers} rwm`),
];

/**
 * Rules of devices for v1's controller, in their order. The default devices come after a rule that denies all and what is
 * allowed then, and before any other denial, which may be of one of them. All of it comes on top of what mounts and
 * seccomp do, which hold on v2 alone.
 */
export function deviceWrites(rules: readonly DeviceRule[]): readonly RawWrite[] {
  const writes: RawWrite[] = [];
  let owesDefaults = false;
  const giveDefaults = (): void => {
    if (owesDefaults) writes.push(...DEFAULT.map((each) => write('devices.allow', each)));
    owesDefaults = false;
  };
  for (const rule of rules) {
    const file = rule.allow ? 'devices.allow' : 'devices.deny';
    if (rule.type === 'a') {
      owesDefaults = !rule.allow;
      writes.push(write(file, 'a'));
      continue;
    }
    if (!rule.allow) giveDefaults();
    writes.push(write(file, `${rule.type} ${number(rule.major)}:${number(rule.minor)} ${rule.access}`));
  }
  giveDefaults();
  return writes;
}

function write(file: 'devices.allow' | 'devices.deny', value: string): RawWrite {
  return { field: 'devices', controller: 'devices', file, value };
}

/** -1 stands for all. */
function number(value: number | undefined): string {
  return value === undefined || value < 0 ? '*' : String(value);
}
