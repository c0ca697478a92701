import { type LayerName, refuse } from './refusal.ts';

/** Extended attributes that a file or directory of a layer gets, by name. */
export type ExtendedAttributes = Readonly<Record<string, Buffer>>;

/** Where tars keep them; what star began is what everybody writes. */
const PREFIX = 'SCHILY.xattr.';

/** What overlayfs reads for its own ends, on one kind of mount or the other. */
const STEERS_OVERLAY = /^(trusted\.|user\.overlay\.)/;

/** The kernel's own bounds (xattr(7)). */
const [NAME_BYTES, VALUE_BYTES] = [255, 64 * 1024];

/** @returns whether a record of an extended header is about an extended attribute. */
export function isAttribute(key: string): boolean {
  return key.startsWith(PREFIX);
}

/**
 * Reads the attributes of one entry: `user.*` as they are, and file capabilities of revision 2. Those of revision 3
 * belong to a user namespace of whoever built the image, and labels and lists of `security.*` and `system.*` to their
 * node: they are left off, which gives a program less and never more.
 * @throws ImageError `bad-layer` for those that would steer overlayfs, and for what no file system holds
 */
export function readExtendedAttributes(
  records: readonly { readonly key: string; readonly value: Buffer }[],
  entry: string,
  layer: LayerName,
): ExtendedAttributes {
  const attributes: Record<string, Buffer> = {};
  for (const { key, value } of records) {
    if (!isAttribute(key)) continue;
    const name = key.slice(PREFIX.length);
    if (STEERS_OVERLAY.test(name)) throw refuse(layer, entry, `a layer may not set the extended attribute ${name}`);
    if (name === 'security.capability' && isCapability(value)) attributes[name] = value;
    if (!name.startsWith('user.')) continue;
    if (/[\0\uFFFD]/.test(name) || Buffer.byteLength(name) > NAME_BYTES || value.length > VALUE_BYTES) {
      throw refuse(
        layer,
        entry,
        `the extended attribute ${JSON.stringify(name.slice(0, 80))} cannot be held by a file`,
      );
    }
    attributes[name] = value;
  }
  return attributes;
}

/** The kernel's vfs_cap_data of revision 2, of whose flags only the effective bit is known. */
function isCapability(value: Buffer): boolean {
  return value.length === 20 && (value.readUInt32LE(0) & ~1) === 0x02000000;
}
