import { ImageError } from '../image-source.ts';
import type { RegistryClient } from '../registry/registry-client.ts';
import { openArchive } from './archive-files.ts';
import { openFolder } from './folder-files.ts';
import { createLayoutClient } from './layout-client.ts';

/**
 * Opens an OCI image layout: `oci:/path[:tag]` for a directory, `oci-archive:/path[:tag]` for a tar of one.
 * @param use gets a client that answers from it, and the tag to look for; null for the one image that is in it.
 * @throws ImageError `bad-reference`, `not-found`, `bad-manifest`, and what `use` throws
 */
export async function withLayout<Result>(
  source: string,
  use: (client: RegistryClient, tag: string | null) => Promise<Result>,
): Promise<Result> {
  const [, kind, path = '', tag] = /^(oci|oci-archive):(\/[^:]*)(?::(.+))?$/s.exec(source) ?? [];
  if (kind === undefined) {
    const message = `${source}: not a layout: give oci:/path or oci-archive:/path, the path absolute, and :tag when it holds several images`;
    throw new ImageError('bad-reference', source, message);
  }
  const files = kind === 'oci' ? openFolder(path) : await openArchive(path, source);
  try {
    const layout = await createLayoutClient(files, source);
    return await use(layout, layout.resolveTag(tag ?? null));
  } finally {
    await files.close();
  }
}
