import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { resolveUser } from '../../agent/execute/image-user.ts';
import { readLayerFile } from '../../agent/execute/layer-file.ts';
import type { Container } from '../../manifests/index.ts';
import { makeTempDir, type TempDir } from '../world/temp-dir.ts';
import { containerOf } from './attackers.ts';

const NON_ROOT: Container = containerOf({ container: { runAsNonRoot: true } });
const ANY_USER: Container = containerOf({});

let layer: TempDir;

beforeEach(async () => {
  layer = await makeTempDir();
  await mkdir(join(layer.path, 'etc'));
});

afterEach(() => layer.remove());

const filesOf =
  (files: Readonly<Record<string, string>>) =>
  async (path: string): Promise<string | null> =>
    files[path] ?? null;

/** CVE-2026-30892 and kin: what an image says about its user must not make root of somebody who is not. */
describe('the user of an image', () => {
  test.each([
    ['1', ''],
    ['1', 'root:x:0:0::/:/bin/sh'],
    ['1000', '1000:x:0:0::/:/bin/sh'],
    ['1000', 'x:x:1000:0\n1000:x:0:0'],
    ['app', 'app:x:1000:1000\napp:x:0:0'],
  ])('%j with %j is not root', async (user, passwd) => {
    const found = await resolveUser(NON_ROOT, user, filesOf({ 'etc/passwd': passwd }));
    expect(found.uid).toBeGreaterThan(0);
  });

  test.each([
    ['', ''],
    ['0', ''],
    ['00', ''],
    ['000000000', ''],
    ['root', 'root:x:0:0'],
    ['app', 'app:x:0:1000'],
    ['app', 'app:x:00:1000'],
    ['4294967296', '4294967296:x:0:0'],
    ['-1', '-1:x:0:0'],
    ['+0', '+0:x:0:0'],
  ])('%j with %j is root, and refused where root is', async (user, passwd) => {
    const readFile = filesOf({ 'etc/passwd': passwd });
    await expect(resolveUser(NON_ROOT, user, readFile)).rejects.toMatchObject({ code: 'image-user' });
    expect((await resolveUser(ANY_USER, user, readFile)).uid).toBe(0);
  });

  test.each([
    ['4294967296', ''],
    ['4294967295', ''],
    ['65536', ''],
    ['-1', ''],
    ['+1', ''],
    ['0x10', ''],
    [' 1', ''],
    ['1e3', ''],
    ['\u0661', ''],
    ['app', ''],
    ['app', 'app'],
    ['app', 'app:x::'],
    ['app', 'app:x:-1:0'],
    ['app', 'app:x:4294967296:0'],
    ['app', 'app:x:1000:70000'],
    ['app', 'app:x:1 000:0'],
    ['app', ' app:x:1:1'],
  ])('%j with %j is nobody, and refused', async (user, passwd) => {
    const readFile = filesOf({ 'etc/passwd': passwd });
    await expect(resolveUser(ANY_USER, user, readFile)).rejects.toMatchObject({ code: 'image-user' });
  });

  test('is never root where root is refused, and always within the pod’s ids, whatever the image holds', async () => {
    const field = fc.constantFrom('', '0', '1', '00', '1000', '65535', '65536', '-0', 'app', 'root', ' ', '\r', '\0');
    const line = fc.array(field, { maxLength: 5 }).map((fields) => fields.join(':'));
    const text = fc.array(line, { maxLength: 4 }).map((lines) => lines.join('\n'));
    const user = fc.array(field, { minLength: 1, maxLength: 3 }).map((parts) => parts.join(':'));
    let resolved = 0;
    await fc.assert(
      fc.asyncProperty(user, text, text, async (name, passwd, group) => {
        const readFile = filesOf({ 'etc/passwd': passwd, 'etc/group': group });
        const found = await resolveUser(NON_ROOT, name, readFile).catch((error) => {
          expect(error).toMatchObject({ code: 'image-user' });
          return null;
        });
        if (found === null) return;
        resolved += 1;
        expect(found.uid).toBeGreaterThan(0);
        expect(Math.max(found.uid, found.gid)).toBeLessThanOrEqual(65_535);
        expect(Math.min(found.uid, found.gid)).toBeGreaterThanOrEqual(0);
      }),
      { numRuns: 2000 },
    );
    expect(resolved).toBeGreaterThan(20);
  });

  test('is not read from the node through a link of the image', async () => {
    const read = (): Promise<string | null> => readLayerFile([layer.path], 'etc/passwd');
    await writeFile(join(layer.path, 'etc/passwd'), 'app:x:1000:1000\n');
    expect(await read()).toBe('app:x:1000:1000\n');
    for (const [link, target] of [
      ['etc-linked/passwd', '/etc/passwd'],
      ['linked', '/etc'],
    ] as const) {
      await mkdir(join(layer.path, 'etc-linked'), { recursive: true });
      await symlink(target, join(layer.path, link));
    }
    expect(await readLayerFile([layer.path], 'etc-linked/passwd')).toBeNull();
    expect(await readLayerFile([layer.path], 'linked/passwd')).toBeNull();
    expect(await readLayerFile([layer.path], '../../../../../../etc/passwd')).toBeNull();
  });
});
