import type { RawWrite } from '../../cgroup/raw-control.ts';
import type { DeviceRule } from '../config/resources-schema.ts';
import { settleDeviceRules } from './device-rules.ts';

/** Rules of devices for v1's controller. All of it comes on top of what mounts and seccomp do. */
export function deviceWrites(rules: readonly DeviceRule[]): readonly RawWrite[] {
  return settleDeviceRules(rules).map(({ allow, type, major, minor, access }) => ({
    ...{ field: 'devices', controller: 'devices', file: allow ? 'devices.allow' : 'devices.deny' },
    value: type === 'a' ? 'a' : `${type} ${number(major)}:${number(minor)} ${access}`,
  }));
}

/** -1 stands for all. */
function number(value: number | undefined): string {
  return value === undefined || value < 0 ? '*' : String(value);
}
