import type { DeviceRule } from '../config/resources-schema.ts';

const DEFAULT_NUMBERS = [
  ...([3, 5, 7, 8, 9].map((minor) => [1, minor]) as readonly (readonly [number, number])[]),
  ...([
    [5, 0],
    [5, 2],
    [136, -1],
  ] as const),
];

/** What every container may use, and nodes it may make without using them. https://github.com/opencontainers/runtime-spec/blob/v1.2.0/config-linux.md#default-devices */
const DEFAULT: readonly DeviceRule[] = [
  ...(['c', 'b'] as const).map((type) => ({ allow: true, type, major: -1, minor: -1, access: 'm' })),
  ...DEFAULT_NUMBERS.map(([major, minor]) => ({ allow: true, type: 'c' as const, major, minor, access: 'rwm' })),
];

/**
 * @returns a bundle's rules in their order, the later ones winning. The default devices come after a rule that denies all
 * and what is allowed then, and before any other denial, which may be of one of them.
 */
export function settleDeviceRules(rules: readonly DeviceRule[]): readonly DeviceRule[] {
  const settled: DeviceRule[] = [];
  let owesDefaults = false;
  const giveDefaults = (): void => {
    if (owesDefaults) settled.push(...DEFAULT);
    owesDefaults = false;
  };
  for (const rule of rules) {
    if (rule.type === 'a') owesDefaults = !rule.allow;
    else if (!rule.allow) giveDefaults();
    settled.push(rule);
  }
  giveDefaults();
  return settled;
}
