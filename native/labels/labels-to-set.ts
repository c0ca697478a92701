import { readFile } from 'node:fs/promises';
import { BackendError } from '../errors.ts';

/** What a container's program and file systems are labelled with; null for nothing. */
export interface Labels {
  readonly apparmorProfile: string | null;
  readonly selinuxLabel: string | null;
  readonly mountLabel: string | null;
}

/** Files by which a kernel says which security modules it has. */
export interface LabelGround {
  readonly apparmorSwitch: string;
  readonly apparmorProfiles: string;
  readonly fileSystems: string;
}

const KERNEL: LabelGround = {
  apparmorSwitch: '/sys/module/apparmor/parameters/enabled',
  apparmorProfiles: '/sys/kernel/security/apparmor/profiles',
  fileSystems: '/proc/filesystems',
};
const STAGE = 'check labels';
/** AppArmor's own name for no profile: without AppArmor there is none either. */
const UNCONFINED = 'unconfined';

/**
 * @returns the labels that are for the shim to set: none where leaving one out comes to the same.
 * @throws BackendError for those that this node's kernel would not enforce, because a container must not run with less
 * confinement than it was given: `unsupported` without the security module, `invalid-spec` for a profile that is not
 * loaded.
 */
export async function labelsToSet(labels: Labels, ground: LabelGround = KERNEL): Promise<Labels> {
  await checkSelinux(labels, ground);
  const { selinuxLabel, mountLabel } = labels;
  return { selinuxLabel, mountLabel, apparmorProfile: await apparmorToSet(labels.apparmorProfile, ground) };
}

async function checkSelinux({ selinuxLabel, mountLabel }: Labels, ground: LabelGround): Promise<void> {
  if (selinuxLabel === null && mountLabel === null) return;
  if (/\bselinuxfs$/m.test(await readOrEmpty(ground.fileSystems))) return;
  const field = selinuxLabel === null ? 'linux.mountLabel' : 'process.selinuxLabel';
  const message = `${field}: the kernel of this node has no SELinux: boot it with SELinux, or leave the label out`;
  throw new BackendError('unsupported', STAGE, message);
}

async function apparmorToSet(profile: string | null, ground: LabelGround): Promise<string | null> {
  if (profile === null) return null;
  const named = `process.apparmorProfile: ${JSON.stringify(profile)}`;
  if (!(await hasApparmor(ground))) {
    if (profile === UNCONFINED) return null;
    const message = `${named}: the kernel of this node has no AppArmor: boot it with AppArmor, or leave the profile out`;
    throw new BackendError('unsupported', STAGE, message);
  }
  const loaded = await readOrEmpty(ground.apparmorProfiles);
  // Where securityfs is not mounted, the kernel itself says so when the profile is set.
  const isThere =
    loaded === '' || profile === UNCONFINED || loaded.split('\n').some((line) => nameOf(line) === profile);
  if (isThere) return profile;
  const message = `${named} is not loaded on this node: load it with apparmor_parser`;
  throw new BackendError('invalid-spec', STAGE, message);
}

async function hasApparmor(ground: LabelGround): Promise<boolean> {
  return (await readOrEmpty(ground.apparmorSwitch)).startsWith('Y');
}

/** Each line is a name and its mode, `name (enforce)`. */
function nameOf(line: string): string {
  return line.replace(/ \(\w+\)$/, '');
}

async function readOrEmpty(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
