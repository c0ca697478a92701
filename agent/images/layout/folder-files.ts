import { createReadStream } from 'node:fs';
import { constants, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { LayoutFiles } from './layout-files.ts';

/** Opens a layout directory. A file in it that is a symbolic link is not followed. */
export function openFolder(path: string): LayoutFiles {
  return {
    read: async (name, offset) => {
      const file = await open(join(path, name), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(
        (error: NodeJS.ErrnoException) => {
          if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(error.code ?? '')) return null;
          throw error;
        },
      );
      if (file === null) return null;
      if ((await file.stat()).isFile()) return createReadStream('', { fd: file, start: offset });
      await file.close();
      return null;
    },
    close: async () => undefined,
  };
}
