import type { RawWrite } from '../../cgroup/raw-control.ts';
import type { DeviceRule } from '../config/resources-schema.ts';

/** What every container may use, and nodes it may make without using them. https://github.com/opencontainers/runtime-spec/blob/v1.2.0/config-linux.md#default-devices */
const DEFAULT = [
  'c *:* m',
  'b *:* m',
  ...['1:3', '1:5', '1:7', '1:8', '1:9', '5:0', '5:2', '136:*'].map((numbers) => `c ${numbers} rwm`),
];

/**
 * Rules of devices for v1's controller, in their order, the default devices after a rule that denies all. They come on top
 * of what mounts and seccomp do, which hold on v2 alone.
 */
export function deviceWrites(rules: readonly DeviceRule[]): readonly RawWrite[] {
  const write = (file: 'devices.allow' | 'devices.deny', value: string): RawWrite => ({
    ...{ field: 'devices', controller: 'devices', file, value },
  });
  return rules.flatMap((rule) => {
    const file = rule.allow ? 'devices.allow' : 'devices.deny';
    if (rule.type !== 'a')
      return [write(file, `${rule.type} ${number(rule.major)}:${number(rule.minor)} ${rule.access}`)];
    return [write(file, 'a'), ...(rule.allow ? [] : DEFAULT.map((each) => write('devices.allow', each)))];
  });
}

/** -1 stands for all. */
function number(value: number | undefined): string {
  return value === undefined || value < 0 ? '*' : String(value);
}
