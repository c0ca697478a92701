import { createHash } from 'node:crypto';
import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { makeTar } from '../world/image-builder.ts';
import { makeTempDir, type TempDir } from '../world/temp-dir.ts';
import { openSource } from './open-source.ts';

const REFERENCE = 'registry.invalid/team/app:1';

let directory: TempDir;
let nth = 0;

beforeAll(async () => {
  directory = await makeTempDir();
});
afterAll(() => directory.remove());

const fresh = (name: string): string => join(directory.path, `${name}-${nth++}`);
const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

interface Layout {
  readonly files: Readonly<Record<string, Buffer>>;
  readonly digest: string;
  readonly layer: string;
}

/** The files of a layout of one image (image-spec, image-layout.md), named as `skopeo copy` names it. */
async function makeLayout(names: readonly (string | null)[] = ['1']): Promise<Layout> {
  const tar = await makeTar([{ name: 'hello', content: 'offline' }]);
  const files: Record<string, Buffer> = { 'oci-layout': Buffer.from('{"imageLayoutVersion":"1.0.0"}') };
  const add = (mediaType: string, bytes: Buffer) => {
    files[`blobs/sha256/${sha256(bytes)}`] = bytes;
    return {
      mediaType: `application/vnd.oci.image.${mediaType}`,
      digest: `sha256:${sha256(bytes)}`,
      size: bytes.length,
    };
  };
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  const rootfs = { type: 'layers', diff_ids: [`sha256:${sha256(tar)}`] };
  const config = add('config.v1+json', Buffer.from(JSON.stringify({ os: 'linux', architecture, rootfs })));
  const layer = add('layer.v1.tar+gzip', gzipSync(tar));
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const manifest = add(
    'manifest.v1+json',
    Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, config, layers: [layer] })),
  );
  const manifests = names.map((name) =>
    name === null ? manifest : { ...manifest, annotations: { 'org.opencontainers.image.ref.name': name } },
  );
  files['index.json'] = Buffer.from(JSON.stringify({ schemaVersion: 2, manifests }));
  return { files, digest: manifest.digest, layer: `blobs/sha256/${layer.digest.slice(7)}` };
}

async function write(files: Layout['files'], as: 'oci' | 'oci-archive'): Promise<string> {
  const path = fresh(as);
  if (as === 'oci-archive') {
    await writeFile(
      path,
      await makeTar(Object.entries(files).map(([name, content]) => ({ name: `./${name}`, content }))),
    );
    return `oci-archive:${path}`;
  }
  await mkdir(join(path, 'blobs/sha256'), { recursive: true });
  for (const [name, content] of Object.entries(files)) await writeFile(join(path, name), content);
  return `oci:${path}`;
}

async function bring(from: string): Promise<string> {
  const source = await openSource(fresh('state'), [], { attempts: 1 });
  const { digest, isPresent, isPinned, references } = await source.admin.fetch(REFERENCE, from);
  expect({ isPresent, isPinned, references }).toEqual({ isPresent: true, isPinned: true, references: [REFERENCE] });
  const [layer = ''] = await source.layers((await source.resolve(REFERENCE)).facts.digest);
  expect(await readFile(join(layer, 'hello'), 'utf8')).toBe('offline');
  return digest;
}

describe.each(['oci', 'oci-archive'] as const)('an image layout (%s)', (kind) => {
  test('fills the store without a network, for the reference that manifests name', async () => {
    const { files, digest } = await makeLayout();
    expect(await bring(await write(files, kind))).toBe(digest);
    expect(await bring(`${await write(files, kind)}:1`)).toBe(digest);
  });

  test('of an image without a name, or with a whole reference as its name, is taken too', async () => {
    expect(await bring(await write((await makeLayout([null])).files, kind))).toMatch(/^sha256:/);
    expect(await bring(`${await write((await makeLayout(['reg.test/a:2'])).files, kind)}:2`)).toMatch(/^sha256:/);
  });

  test('of several images wants one of them named, and says which there are', async () => {
    const from = await write((await makeLayout(['one', 'two'])).files, kind);
    await expect(bring(from)).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringContaining('one, two'),
    });
    await expect(bring(`${from}:three`)).rejects.toMatchObject({ code: 'not-found' });
    expect(await bring(`${from}:two`)).toMatch(/^sha256:/);
  });

  test.each<[string, (layout: Layout) => Record<string, Buffer | undefined>, string]>([
    ['a changed layer', ({ layer }) => ({ [layer]: Buffer.from('x'.repeat(100)) }), 'digest-mismatch'],
    ['no layer', ({ layer }) => ({ [layer]: undefined }), 'not-found'],
    [
      'a changed manifest',
      ({ digest }) => ({ [`blobs/sha256/${digest.slice(7)}`]: Buffer.from('{}') }),
      'digest-mismatch',
    ],
    ['no index', () => ({ 'index.json': undefined }), 'not-found'],
    ['an index that is none', () => ({ 'index.json': Buffer.from('[') }), 'bad-manifest'],
  ])('with %s is refused', async (_what, change, code) => {
    const layout = await makeLayout();
    const changed = Object.entries({ ...layout.files, ...change(layout) });
    const files = Object.fromEntries(changed.flatMap(([name, bytes]) => (bytes ? [[name, bytes]] : [])));
    const failure = await bring(await write(files, kind)).catch((error: { code: string }) => error.code);
    // A layer of another length is refused by its length.
    expect(failure === 'size-mismatch' || failure === 'interrupted' ? 'digest-mismatch' : failure).toBe(code);
  });
});

test.each([
  ['docker://x', 'bad-reference'],
  ['oci:relative/path', 'bad-reference'],
  ['oci:/nowhere', 'not-found'],
  ['oci-archive:/nowhere', 'not-found'],
  ['oci-archive:/proc/version', 'bad-manifest'],
])('%s is no layout', async (from, code) => {
  await expect(bring(from)).rejects.toMatchObject({ code });
});

test('a file of a layout that is a symbolic link is not followed', async () => {
  const layout = await makeLayout();
  const from = await write(layout.files, 'oci');
  const path = join(from.slice('oci:'.length), layout.layer);
  await writeFile(`${path}.moved`, layout.files[layout.layer] ?? '');
  await rm(path);
  await symlink(`${path}.moved`, path);
  await expect(bring(from)).rejects.toMatchObject({ code: 'not-found' });
});
