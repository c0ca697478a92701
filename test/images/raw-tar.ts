import { execFileSync } from 'node:child_process';
import { makeTar, type TarEntry } from '../world/image-builder.ts';

/** An entry with extended attributes of any bytes. */
export interface RawEntry extends TarEntry {
  readonly xattrs: Readonly<Record<string, Buffer>>;
}

/** Makes a tar whose extended headers hold bytes that are not text, which the tar writer of the tests cannot. */
export async function makeRawTar(entries: readonly RawEntry[]): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (const { xattrs, ...entry } of entries) {
    const records = Object.entries(xattrs).map(([name, value]) => record(`SCHILY.xattr.${name}`, value));
    const tar = await makeTar([{ name: 'PaxHeaders/x', content: Buffer.concat(records) }, entry]);
    parts.push(asExtendedHeader(tar.subarray(0, tar.length - 1024)));
  }
  return Buffer.concat([...parts, Buffer.alloc(1024)]);
}

/** What GNU tar writes for the files of a directory that have holes. */
export function makeSparseTar(directory: string, format: readonly string[]): Buffer {
  const args = ['--create', '--sparse', '--sort=name', ...format, '--directory', directory, '.'];
  return execFileSync('tar', args, { maxBuffer: 1 << 28 });
}

function record(key: string, value: Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), value, Buffer.from('\n')]);
  let length = rest.length;
  while (length !== rest.length + String(length).length) length = rest.length + String(length).length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

/** Makes the first entry of a tar the extended header of the second. */
function asExtendedHeader(tar: Buffer): Buffer {
  const header = Buffer.from(tar);
  header.write('x', 156, 'latin1');
  header.fill(' ', 148, 156);
  const sum = header.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
}
