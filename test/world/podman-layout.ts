import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type BuiltImage, pushBlob, pushManifest } from './image-builder.ts';

const run = promisify(execFile);

/**
 * Has podman make an image of one layer of a directory, in zstd:chunked form; with storage and namespaces of its own. The
 * tar has no more zeros at its end than it must: podman 4.3 leaves those out, though the image's config counts them in.
 */
export async function makeChunkedLayout(tree: string, scratch: string, name: string): Promise<string> {
  const layout = join(scratch, `layout-${name.replace(':', '-')}`);
  const script = `set -e
    podman() { command podman --root "$1/root" --runroot "$1/run" --storage-driver vfs "\${@:2}"; }
    tar --create --blocking-factor=1 --sort=name --mtime=@1700000000 --directory "$1" . | podman "$2" import --quiet - "localhost/$3" >/dev/null
    podman "$2" push --quiet --compression-format zstd:chunked "localhost/$3" "oci:$4:1"`;
  await run('unshare', ['--net', '--mount', 'bash', '-c', script, 'bash', tree, scratch, name, layout]);
  return layout;
}

/** Pushes the one image of a layout, as it is but for its manifest saying what it is. */
export async function pushLayout(layout: string, registry: string, name: string, tag: string): Promise<BuiltImage> {
  const blob = (digest: string): Promise<Buffer> =>
    readFile(join(layout, 'blobs/sha256', digest.slice('sha256:'.length)));
  const index = JSON.parse(await readFile(join(layout, 'index.json'), 'utf8'));
  const manifest = JSON.parse((await blob(index.manifests[0].digest)).toString('utf8'));
  for (const { digest } of [manifest.config, ...manifest.layers]) await pushBlob(registry, name, await blob(digest));
  return pushManifest(registry, name, tag, { ...manifest, mediaType: 'application/vnd.oci.image.manifest.v1+json' });
}
