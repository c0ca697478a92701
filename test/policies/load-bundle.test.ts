import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { sha256 } from '../../policies/bundle/digest.ts';
import { DEFAULT_BUNDLE_DIR, openPolicyEngine } from '../../policies/index.ts';
import { makeTempDir, type TempDir } from '../world/temp-dir.ts';
import { makeTinyBundle, writeBundle } from './tiny-bundle.ts';

let temp: TempDir;
let wasm: Buffer;
let made = 0;
beforeAll(async () => {
  temp = await makeTempDir();
  wasm = await readFile(join(DEFAULT_BUNDLE_DIR, 'policy.wasm'));
});
afterAll(() => temp.remove());

function newPath(): string {
  made += 1;
  return join(temp.path, `bundle-${made}`);
}

/** A sound bundle, but for the changes. */
async function bundleWith(
  files: Readonly<Record<string, string | Uint8Array>> = {},
  manifest: object = {},
): Promise<string> {
  const dir = newPath();
  await writeBundle(dir, { 'policy.wasm': wasm, 'data.json': '{}\n', ...files }, manifest);
  return dir;
}

async function refusal(dir: string): Promise<{ readonly code: string; readonly message: string }> {
  const engine = await openPolicyEngine({ bundleDir: dir }).catch((error: { code: string; message: string }) => error);
  if ('code' in engine) return engine;
  await engine.close();
  throw new Error('the bundle was accepted');
}

test('a sound bundle opens with the revision of its manifest', async () => {
  const engine = await openPolicyEngine({ bundleDir: await bundleWith({}, { revision: sha256('mine') }) });
  await engine.close();
  expect(engine.revision).toBe(sha256('mine'));
});

describe('bundle-missing', () => {
  test('for a directory that is not there, a file in its place, or no manifest', async () => {
    expect(await refusal(join(temp.path, 'nowhere'))).toMatchObject({ code: 'bundle-missing' });
    await writeFile(join(temp.path, 'a-file'), '');
    expect(await refusal(join(temp.path, 'a-file'))).toMatchObject({ code: 'bundle-missing' });
    await mkdir(join(temp.path, 'empty'));
    expect(await refusal(join(temp.path, 'empty'))).toMatchObject({ code: 'bundle-missing' });
  });
});

describe('bundle-invalid', () => {
  const digest = sha256('');
  const manifests: readonly (readonly [string, object])[] = [
    ['revision', { revision: 'v1' }],
    ['revision', { revision: null }],
    ['metadata', { metadata: undefined }],
    ['metadata.files', { metadata: { files: [] } }],
    ['metadata.files["policy.wasm"]', { metadata: { files: { 'policy.wasm': 'sha256:' } } }],
    ['wasm', { wasm: undefined }],
    ['wasm', { wasm: [] }],
    [
      'wasm',
      {
        wasm: [
          { entrypoint: 'gate/findings', module: '/policy.wasm' },
          { entrypoint: 'a', module: '/b.wasm' },
        ],
      },
    ],
    ['wasm[0].module', { wasm: [{ entrypoint: 'gate/findings', module: '/other.wasm' }] }],
    ['wasm[0].entrypoint', { wasm: [{ entrypoint: '', module: '/policy.wasm' }] }],
    ['metadata.files["data.json"]', { metadata: { files: { 'policy.wasm': digest, 'data.json': 1 } } }],
  ];
  test.each(manifests)('names the field %s of the manifest: %j', async (field, manifest) => {
    const { code, message } = await refusal(await bundleWith({}, manifest));
    expect(code).toBe('bundle-invalid');
    expect(message).toContain(`.manifest: ${field}: expected`);
  });

  test.each(['', 'null', '[]', '{"revision":', '"text"'])('for a manifest that is %j', async (text) => {
    const dir = await bundleWith();
    await writeFile(join(dir, '.manifest'), text);
    expect(await refusal(dir)).toMatchObject({ code: 'bundle-invalid' });
  });

  test.each(['', 'null', '[]', '{', '"text"', '1'])('for data that is %j', async (text) => {
    expect(await refusal(await bundleWith({ 'data.json': text }))).toMatchObject({ code: 'bundle-invalid' });
  });

  test('for a file of absurd size', async () => {
    const dir = await bundleWith({ 'data.json': Buffer.alloc(33 * 1024 * 1024, ' ') });
    expect(await refusal(dir)).toMatchObject({ code: 'bundle-invalid' });
  });
});

describe('bundle-tampered', () => {
  test.each(['policy.wasm', 'data.json'])('for a changed %s', async (name) => {
    const dir = await bundleWith();
    await writeFile(join(dir, name), Buffer.concat([await readFile(join(dir, name)), Buffer.from(' ')]));
    expect(await refusal(dir)).toMatchObject({ code: 'bundle-tampered', message: expect.stringContaining(name) });
  });

  test('for a file the manifest does not list, in a folder too', async () => {
    const dir = await bundleWith();
    await mkdir(join(dir, 'more'));
    await writeFile(join(dir, 'more', 'data.json'), '{}');
    expect(await refusal(dir)).toMatchObject({
      code: 'bundle-tampered',
      message: expect.stringContaining('more/data.json'),
    });
  });

  test('for a listed file that is missing', async () => {
    const files = { 'policy.wasm': sha256(wasm), 'data.json': sha256('{}\n'), 'more.json': sha256('{}') };
    const dir = await bundleWith({}, { metadata: { files } });
    expect(await refusal(dir)).toMatchObject({
      code: 'bundle-tampered',
      message: expect.stringContaining('more.json'),
    });
  });

  test('for a link to somewhere else', async () => {
    const dir = await bundleWith();
    await symlink('/etc/hostname', join(dir, 'link'));
    expect(await refusal(dir)).toMatchObject({ code: 'bundle-tampered', message: expect.stringContaining('link') });
  });

  test('for a bundle without a module', async () => {
    const dir = newPath();
    await writeBundle(dir, { 'data.json': '{}' });
    expect(await refusal(dir)).toMatchObject({
      code: 'bundle-tampered',
      message: expect.stringContaining('policy.wasm'),
    });
  });
});

describe('wasm-unusable', () => {
  const modules: readonly (readonly [string, (sound: Buffer) => Uint8Array])[] = [
    ['empty', () => new Uint8Array()],
    ['no module', () => Buffer.from('module')],
    ['cut short', (sound) => sound.subarray(0, sound.length / 2)],
    ['a module of something else', () => Buffer.from('0061736d01000000', 'hex')],
    ['garbled', (sound) => sound.map((byte, index) => (index % 1000 === 999 ? byte ^ 0xff : byte))],
  ];
  test.each(modules)('for a module that is %s', async (_, change) => {
    expect(await refusal(await bundleWith({ 'policy.wasm': change(wasm) }))).toMatchObject({ code: 'wasm-unusable' });
  });

  test('for an entry point the module does not have', async () => {
    const dir = await bundleWith({}, { wasm: [{ entrypoint: 'gate/other', module: '/policy.wasm' }] });
    expect(await refusal(dir)).toMatchObject({ code: 'wasm-unusable', message: expect.stringContaining('gate/other') });
  });

  test('for a builtin that would first be missed when a rule reaches it', async () => {
    const dir = await makeTinyBundle(temp.path, 'findings := [time.now_ns()] if input.rare');
    expect(await refusal(dir)).toMatchObject({
      code: 'wasm-unusable',
      message: expect.stringContaining('time.now_ns'),
    });
  });
});
