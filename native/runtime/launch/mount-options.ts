import type { BundleLaunchMount } from './bundle-launch.ts';

/** MOUNT_ATTR_NODEV of mount_setattr(2). */
export const NODEV = 0x4n;

interface Change {
  readonly set?: bigint;
  readonly clear?: bigint;
}

const ACCESS_TIMES = 0x70n;
/** MOUNT_ATTR_* of mount_setattr(2), set or cleared. */
const ATTRIBUTES: Readonly<Record<string, Change>> = {
  ro: { set: 0x1n },
  rw: { clear: 0x1n },
  nosuid: { set: 0x2n },
  suid: { clear: 0x2n },
  nodev: { set: NODEV },
  dev: { clear: NODEV },
  noexec: { set: 0x8n },
  exec: { clear: 0x8n },
  relatime: { clear: ACCESS_TIMES },
  norelatime: { set: 0x20n, clear: ACCESS_TIMES },
  noatime: { set: 0x10n, clear: ACCESS_TIMES },
  atime: { clear: ACCESS_TIMES },
  strictatime: { set: 0x20n, clear: ACCESS_TIMES },
  nostrictatime: { clear: ACCESS_TIMES },
  nodiratime: { set: 0x80n },
  diratime: { clear: 0x80n },
  nosymfollow: { set: 0x200000n },
  symfollow: { clear: 0x200000n },
};
/** MS_* of mount(2). */
const PROPAGATIONS: Readonly<Record<string, number>> = {
  unbindable: 1 << 17,
  private: 1 << 18,
  slave: 1 << 19,
  shared: 1 << 20,
};
/** What is so anyway, or has no effect on any kernel this runs on. */
const WITHOUT_EFFECT = ['bind', 'rbind', 'defaults', 'newinstance', 'silent', 'loud', 'nomand', 'noiversion'];
/** Of a whole file system: a bind mount shows one that has them or not already. */
const OF_FILE_SYSTEM = /^(?:async|sync|dirsync|lazytime|nolazytime|mand|iversion|(?:mode|uid|gid|size)=.*)$/;

/** Every option of mounts that is understood by name. https://github.com/opencontainers/runtime-spec/blob/v1.2.0/config.md#linux-mount-options */
export const MOUNT_OPTIONS: readonly string[] = [
  ...WITHOUT_EFFECT,
  ...Object.keys(ATTRIBUTES).flatMap((option) => [option, `r${option}`]),
  ...Object.keys(PROPAGATIONS).flatMap((option) => [option, `r${option}`]),
  ...['async', 'sync', 'dirsync', 'lazytime', 'nolazytime', 'tmpcopyup', 'idmap', 'ridmap'],
];

/** What the options of a mount ask for. */
export interface MountOptions
  extends Pick<
    BundleLaunchMount,
    'set' | 'clear' | 'setBelow' | 'clearBelow' | 'propagation' | 'parameters' | 'isCopiedUp'
  > {
  readonly bind: 'bind' | 'rbind' | null;
  readonly idmap: 'idmap' | 'ridmap' | null;
}

/** Reads the options in their order, the later ones winning. @throws RangeError naming an option that is not supported. */
export function readMountOptions(options: readonly string[], isBind: boolean): MountOptions {
  let top = NOTHING;
  let below = NOTHING;
  let propagation = 0;
  const parameters: [string, string][] = [];
  for (const option of options) {
    const attribute = ATTRIBUTES[option];
    const attributeBelow = recursive(ATTRIBUTES, option);
    const spread = PROPAGATIONS[option] ?? recursive(PROPAGATIONS, option);
    if (attribute !== undefined) top = changed(top, attribute);
    else if (attributeBelow !== undefined) {
      below = changed(below, attributeBelow);
      top = changed(top, attributeBelow);
    } else if (spread !== undefined) propagation = spread;
    else if (!isPassedOver(option, isBind)) parameters.push(parameterOf(option));
  }
  return {
    ...{ set: top.set, clear: top.clear, setBelow: below.set, clearBelow: below.clear, propagation, parameters },
    isCopiedUp: options.includes('tmpcopyup'),
    bind: options.findLast((option) => option === 'bind' || option === 'rbind') ?? null,
    idmap: options.findLast((option) => option === 'idmap' || option === 'ridmap') ?? null,
  };
}

const NOTHING = { set: 0n, clear: 0n };

function changed(before: Required<Change>, { set = 0n, clear = 0n }: Change): Required<Change> {
  return { set: (before.set & ~clear) | set, clear: (before.clear & ~set) | clear };
}

/** With an `r` in front, an option is for the mounts below too. */
function recursive<T>(options: Readonly<Record<string, T>>, option: string): T | undefined {
  return option.startsWith('r') ? options[option.slice(1)] : undefined;
}

function isPassedOver(option: string, isBind: boolean): boolean {
  if (['tmpcopyup', 'idmap', 'ridmap'].includes(option)) return true;
  return WITHOUT_EFFECT.includes(option) || (isBind && OF_FILE_SYSTEM.test(option));
}

function parameterOf(option: string): [string, string] {
  const [key = '', ...value] = option.split('=');
  const isOfRuntime = ['remount', 'tmpcopyup', 'copy-symlink', 'idmap', 'ridmap'].includes(key);
  if (key === '' || isOfRuntime) throw new RangeError(`option ${JSON.stringify(option)} is not supported`);
  return [key, value.join('=')];
}
