import { execFileSync } from 'node:child_process';
import { lstat, readFile, readlink, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { TarEntry } from '../world/image-builder.ts';
import { makeRawTar } from './raw-tar.ts';
import { type Unpacked, unpack } from './unpack-fixture.ts';

async function unpacked(entries: readonly TarEntry[] | Buffer, check: (layer: string) => Promise<void>): Promise<void> {
  const result = await unpack(entries);
  try {
    expect(result.refusal).toBeNull();
    await check(result.layer);
  } finally {
    await result.remove();
  }
}

/** Reads an attribute as text, or null when there is none. */
function xattr(path: string, name: string): string | null {
  const script =
    'import os,sys\ntry: print(os.getxattr(sys.argv[1], sys.argv[2], follow_symlinks=False).hex())\nexcept OSError: pass';
  const hex = execFileSync('python3', ['-c', script, path, name], { encoding: 'utf8' }).trim();
  return hex === '' ? null : hex;
}

async function isWhiteout(path: string): Promise<boolean> {
  const info = await lstat(path);
  return info.isCharacterDevice() && info.rdev === 0;
}

describe('a layer', () => {
  test('keeps content, mode with set-id bits, numeric owner and time', () =>
    unpacked(
      [
        { name: './', type: 'directory', mode: 0o711, uid: 3, gid: 4 },
        { name: 'bin/', type: 'directory', mode: 0o2750, uid: 1, gid: 2, mtime: new Date(1_000_000_000_000) },
        {
          name: './bin//su',
          content: 'program',
          mode: 0o6755,
          uid: 1000,
          gid: 2000,
          mtime: new Date(1_234_567_890_000),
        },
      ],
      async (layer) => {
        const file = await stat(join(layer, 'bin/su'));
        expect([file.mode & 0o7777, file.uid, file.gid, file.mtimeMs]).toEqual([0o6755, 1000, 2000, 1_234_567_890_000]);
        const directory = await stat(join(layer, 'bin'));
        expect([directory.mode & 0o7777, directory.uid, directory.gid]).toEqual([0o2750, 1, 2]);
        expect(directory.mtimeMs).toBe(1_000_000_000_000);
        const root = await stat(layer);
        expect([root.mode & 0o7777, root.uid, root.gid]).toEqual([0o711, 3, 4]);
        expect(await readFile(join(layer, 'bin/su'), 'utf8')).toBe('program');
      },
    ));

  test('makes directories that no entry describes, as root with 0755', () =>
    unpacked([{ name: 'a/b/c', content: 'x' }], async (layer) => {
      const info = await stat(join(layer, 'a/b'));
      expect([info.mode & 0o7777, info.uid, info.gid]).toEqual([0o755, 0, 0]);
    }));

  test('keeps symlinks as written, with their owner, wherever they point', () =>
    unpacked(
      [
        { name: 'absolute', type: 'symlink', linkname: '/etc/passwd', uid: 5, gid: 6 },
        { name: 'up', type: 'symlink', linkname: '../../../..' },
      ],
      async (layer) => {
        expect(await readlink(join(layer, 'absolute'))).toBe('/etc/passwd');
        expect(await readlink(join(layer, 'up'))).toBe('../../../..');
        const info = await lstat(join(layer, 'absolute'));
        expect([info.uid, info.gid]).toEqual([5, 6]);
        expect((await stat('/etc/passwd')).uid).toBe(0);
      },
    ));

  test('makes hardlinks one file', () =>
    unpacked(
      [
        { name: 'dir/one', content: 'same', mode: 0o640 },
        { name: 'two', type: 'link', linkname: './dir/one' },
        { name: 'three', type: 'link', linkname: 'two' },
      ],
      async (layer) => {
        const [one, three] = [await stat(join(layer, 'dir/one')), await stat(join(layer, 'three'))];
        expect(three.ino).toBe(one.ino);
        expect(one.nlink).toBe(3);
      },
    ));

  test('reads long names, long links and large ids from extended headers', () => {
    const long = `${'d'.repeat(200)}/${'e'.repeat(200)}/${'ü'.repeat(100)}`;
    return unpacked(
      [
        { name: long, content: 'deep', pax: { uid: '4000000000', gid: '3000000000', mtime: '1600000000.75' } },
        { name: 'link', type: 'symlink', linkname: `/${'t'.repeat(300)}` },
      ],
      async (layer) => {
        const info = await stat(join(layer, long));
        expect([info.uid, info.gid, info.mtimeMs]).toEqual([4_000_000_000, 3_000_000_000, 1_600_000_000_000]);
        expect(await readlink(join(layer, 'link'))).toBe(`/${'t'.repeat(300)}`);
      },
    );
  });

  test('keeps a pipe', () =>
    unpacked([{ name: 'pipe', type: 'fifo', mode: 0o622 }], async (layer) => {
      const info = await lstat(join(layer, 'pipe'));
      expect(info.isFIFO()).toBe(true);
      expect(info.mode & 0o7777).toBe(0o622);
    }));

  test('turns whiteouts into overlayfs devices and opaque marks into an attribute', () =>
    unpacked(
      [
        { name: 'etc/.wh.gone' },
        { name: 'var/', type: 'directory' },
        { name: 'var/.wh..wh..opq' },
        { name: 'implicit/.wh..wh..opq' },
        { name: '.wh..wh.plnk/1.2', content: 'a note of AUFS' },
      ],
      async (layer) => {
        expect(await isWhiteout(join(layer, 'etc/gone'))).toBe(true);
        expect(xattr(join(layer, 'var'), 'trusted.overlay.opaque')).toBe('79');
        expect(xattr(join(layer, 'implicit'), 'trusted.overlay.opaque')).toBe('79');
        expect(xattr(join(layer, 'etc'), 'trusted.overlay.opaque')).toBeNull();
        await expect(lstat(join(layer, '.wh..wh.plnk'))).rejects.toMatchObject({ code: 'ENOENT' });
      },
    ));

  test.each([
    ['before it', [{ name: '.wh.data' }, { name: 'data/', type: 'directory' as const }, { name: 'data/new' }]],
    ['after it', [{ name: 'data/', type: 'directory' as const }, { name: 'data/new' }, { name: '.wh.data' }]],
    ['before it, implied', [{ name: '.wh.data' }, { name: 'data/new' }]],
  ])('hides the lower directory that it replaces, the whiteout being %s', (_order, entries) =>
    unpacked(entries, async (layer) => {
      expect((await stat(join(layer, 'data/new'))).isFile()).toBe(true);
      expect(xattr(join(layer, 'data'), 'trusted.overlay.opaque')).toBe('79');
    }),
  );

  test.each([
    ['before it', [{ name: '.wh.f' }, { name: 'f', content: 'new' }]],
    ['after it', [{ name: 'f', content: 'new' }, { name: '.wh.f' }]],
  ])('keeps a file whose whiteout comes %s', (_order, entries) =>
    unpacked(entries, async (layer) => expect(await readFile(join(layer, 'f'), 'utf8')).toBe('new')),
  );

  test('lets the later of two files of one name win, without touching a link to the earlier', () =>
    unpacked(
      [
        { name: 'f', content: 'first' },
        { name: 'kept', type: 'link', linkname: 'f' },
        { name: 'f', content: 'second' },
      ],
      async (layer) => {
        expect(await readFile(join(layer, 'f'), 'utf8')).toBe('second');
        expect(await readFile(join(layer, 'kept'), 'utf8')).toBe('first');
      },
    ));

  test('keeps attributes of users, as bytes, and capabilities; labels of the builder are left off', async () => {
    const capability = Buffer.from('010000028020000000000000000000000000c0ff', 'hex');
    const tar = await makeRawTar([
      { name: 'ping', xattrs: { 'security.capability': capability, 'user.note': Buffer.from([0xff, 0, 0x0a, 0x3d]) } },
      { name: 'other', xattrs: { 'security.capability': Buffer.alloc(24, 3), 'security.selinux': Buffer.from('x') } },
      { name: 'dir/', type: 'directory', xattrs: { 'user.of': Buffer.from('a directory') } },
    ]);
    await unpacked(tar, async (layer) => {
      expect(xattr(join(layer, 'ping'), 'security.capability')).toBe(capability.toString('hex'));
      expect(xattr(join(layer, 'ping'), 'user.note')).toBe('ff000a3d');
      expect(xattr(join(layer, 'other'), 'security.capability')).toBeNull();
      expect(xattr(join(layer, 'other'), 'security.selinux')).toBeNull();
      expect(xattr(join(layer, 'dir'), 'user.of')).toBe(Buffer.from('a directory').toString('hex'));
    });
  });

  test('may be empty', () => unpacked([], async (layer) => expect((await stat(layer)).isDirectory()).toBe(true)));
});

function sparse(map: string, size: number): Readonly<Record<string, string>> {
  return { 'GNU.sparse.map': map, 'GNU.sparse.size': String(size), 'GNU.sparse.numblocks': '1' };
}

/** Each of these must be refused with nothing written outside of the layer. */
const HOSTILE: Readonly<Record<string, readonly TarEntry[]>> = {
  'an absolute name': [{ name: '/etc/evil' }],
  'a name that climbs': [{ name: '../evil' }],
  'a name that climbs in the middle': [{ name: 'a/../../evil' }],
  'a name that is two dots': [{ name: '..', type: 'directory' }],
  'a name with a zero byte': [{ name: 'x', pax: { path: 'a\0b' } }],
  'a file through an absolute symlink': [
    { name: 'out', type: 'symlink', linkname: '/tmp' },
    { name: 'out/holdfast-evil', content: 'x' },
  ],
  'a file through a climbing symlink': [
    { name: 'out', type: 'symlink', linkname: '..' },
    { name: 'out/evil', content: 'x' },
  ],
  'a file through a symlink that stays inside': [
    { name: 'real/', type: 'directory' },
    { name: 'alias', type: 'symlink', linkname: 'real' },
    { name: 'alias/x', content: 'x' },
  ],
  'a directory through a symlink': [
    { name: 'out', type: 'symlink', linkname: '..' },
    { name: 'out/evil/', type: 'directory' },
  ],
  'a whiteout through a symlink': [{ name: 'out', type: 'symlink', linkname: '..' }, { name: 'out/.wh.evil' }],
  'an opaque mark through a symlink': [{ name: 'out', type: 'symlink', linkname: '..' }, { name: 'out/.wh..wh..opq' }],
  'a hardlink to an absolute name': [{ name: 'l', type: 'link', linkname: '/etc/passwd' }],
  'a hardlink that climbs': [{ name: 'l', type: 'link', linkname: '../../etc/passwd' }],
  'a hardlink through a symlink': [
    { name: 'etc', type: 'symlink', linkname: '/etc' },
    { name: 'l', type: 'link', linkname: 'etc/passwd' },
  ],
  'a hardlink to what is not there': [{ name: 'l', type: 'link', linkname: 'missing' }],
  'a hardlink to a directory': [
    { name: 'd/', type: 'directory' },
    { name: 'l', type: 'link', linkname: 'd' },
  ],
  'a hardlink to a whiteout': [{ name: '.wh.w' }, { name: 'l', type: 'link', linkname: 'w' }],
  'a hardlink to itself': [
    { name: 'l', content: 'x' },
    { name: 'l', type: 'link', linkname: './l' },
  ],
  'a character device': [{ name: 'dev/mem', type: 'character-device' }],
  'a block device': [{ name: 'dev/sda', type: 'block-device' }],
  'a file below a file': [{ name: 'f', content: 'x' }, { name: 'f/g' }],
  'a file in place of a directory': [{ name: 'd/', type: 'directory' }, { name: 'd' }],
  'a symlink in place of a directory': [
    { name: 'd/x', content: 'x' },
    { name: 'd', type: 'symlink', linkname: '/etc' },
  ],
  'a root that is a symlink': [{ name: './', type: 'symlink', linkname: '/etc' }],
  'a whiteout of nothing': [{ name: 'a/.wh.' }],
  'a whiteout of the parent': [{ name: 'a/.wh...' }],
  'a file in a whiteout': [{ name: '.wh.a/b' }],
  'an opaque root': [{ name: '.wh..wh..opq' }],
  'a name longer than 255 bytes': [{ name: 'n'.repeat(256) }],
  'a path longer than 3072 bytes': [{ name: `${'n'.repeat(200)}/`.repeat(16) }],
  'a symlink to nothing': [{ name: 's', type: 'symlink', linkname: '' }],
  'a symlink to a zero byte': [{ name: 's', type: 'symlink', linkname: 'x', pax: { linkpath: 'a\0b' } }],
  'an owner that is no id': [{ name: 'f', pax: { uid: '-1' } }],
  'an owner that is too large': [{ name: 'f', pax: { uid: '4294967295' } }],
  'a sparse file without a size': [{ name: 'f', pax: { 'GNU.sparse.major': '1' } }],
  'a sparse file without its map': [{ name: 'f', pax: { 'GNU.sparse.major': '1', 'GNU.sparse.realsize': '9' } }],
  'a sparse map that goes backwards': [{ name: 'f', content: 'ab', pax: sparse('4,1,2,1', 9) }],
  'a sparse map that ends in the middle': [{ name: 'f', content: 'a', pax: sparse('0,1,2', 9) }],
  'a sparse map past the end': [{ name: 'f', content: 'ab', pax: sparse('8,2', 9) }],
  'a sparse map with more than there is': [{ name: 'f', content: 'a', pax: sparse('0,2', 9) }],
  'a sparse map with less than there is': [{ name: 'f', content: 'abc', pax: sparse('0,2', 9) }],
  'a sparse map that is no number': [{ name: 'f', content: 'ab', pax: sparse('-1,2', 9) }],
  'a sparse file of more bytes than a layer may have': [{ name: 'f', pax: sparse('0,0', 1e15) }],
  'a sparse file whose own name climbs': [{ name: 'f', pax: { ...sparse('0,0', 9), 'GNU.sparse.name': '../evil' } }],
  'a sparse symlink': [{ name: 's', type: 'symlink', linkname: 'x', pax: sparse('0,0', 9) }],
  'an attribute that steers overlayfs': [
    { name: 'd/', type: 'directory', pax: { 'SCHILY.xattr.trusted.overlay.redirect': '/etc' } },
  ],
  'an attribute that steers unprivileged overlayfs': [
    { name: 'd/', type: 'directory', pax: { 'SCHILY.xattr.user.overlay.opaque': 'y' } },
  ],
  'an attribute without a name': [{ name: 'f', pax: { [`SCHILY.xattr.user.${'n'.repeat(300)}`]: 'y' } }],
};

function expectRefusal(result: Unpacked, code: string): void {
  expect(result.refusal?.code).toBe(code);
  expect(result.refusal?.message).toContain('test/image:1');
  expect(result.refusal?.message).toContain('a'.repeat(64));
  expect(result.around).toEqual(['layer']);
}

describe('a hostile layer', () => {
  test.each(Object.keys(HOSTILE))('with %s is refused, by the name of the entry', async (name) => {
    const result = await unpack(HOSTILE[name] ?? []);
    try {
      expectRefusal(result, 'bad-layer');
      expect(result.refusal?.message).toContain('entry "');
      await expect(lstat('/tmp/holdfast-evil')).rejects.toMatchObject({ code: 'ENOENT' });
    } finally {
      await result.remove();
    }
  });
});
