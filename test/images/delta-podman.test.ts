import { randomBytes } from 'node:crypto';
import { copyFile, mkdir, readFile, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { makeChunkedLayout, pushLayout } from '../world/podman-layout.ts';
import { startRegistry } from '../world/registry.ts';
import { makeTempDir } from '../world/temp-dir.ts';
import { openSource } from './open-source.ts';

test("an update of an image that Debian's podman packed as zstd:chunked fetches what changed", async () => {
  const [registry, directory] = [await startRegistry(), await makeTempDir()];
  try {
    const tree = join(directory.path, 'tree');
    await mkdir(join(tree, 'bin'), { recursive: true });
    await copyFile('/bin/busybox', join(tree, 'bin/busybox'));
    await symlink('busybox', join(tree, 'bin/sh'));
    await writeFile(join(tree, 'data'), randomBytes(2_000_000));
    await writeFile(join(tree, 'app'), randomBytes(50_000));
    const source = await openSource(join(directory.path, 'state'), [registry.host]);
    const fetched: number[] = [];
    for (const tag of ['1', '2']) {
      const layout = await makeChunkedLayout(tree, directory.path, `app:${tag}`);
      const { digest, tagReference } = await pushLayout(layout, registry.host, 'app', tag);
      const before = source.admin.fetchedBytes();
      await source.resolve(tagReference);
      await source.pull(digest);
      fetched.push(source.admin.fetchedBytes() - before);
      const [layer = ''] = await source.layers(digest);
      expect((await readFile(join(layer, 'app'))).equals(await readFile(join(tree, 'app')))).toBe(true);
      expect((await source.admin.verify(digest, 'report')).map(({ verdict }) => verdict)).toEqual([{ state: 'whole' }]);
      await writeFile(join(tree, 'app'), randomBytes(50_000));
      if (tag === '1') await rename(join(tree, 'data'), join(tree, 'moved'));
    }
    const [first = 0, second = 0] = fetched;
    expect(first).toBeGreaterThan(2_000_000);
    expect(second).toBeLessThan(100_000);
  } finally {
    await registry.stop();
    await directory.remove();
  }
});
