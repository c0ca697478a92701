import { readFile } from 'node:fs/promises';
import { relative } from 'node:path';
import type { Plugin } from 'esbuild';

/** A variable of each bundle: the URL of the release's directory. */
export const ROOT_VARIABLE = 'holdfastRoot';

/**
 * Lets every source keep its place though it is merged into one file, so that the data it names by `import.meta.url` is
 * found where it is in the sources. A source that is named so is a program of its own, and compiled.
 * @param sources the directory whose files are ours.
 */
export function sourcePlaces(sources: string): Plugin {
  return {
    name: 'source-places',
    setup: ({ onLoad }) => {
      onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        const place = relative(sources, path);
        if (/^\.\.|(?:^|\/)node_modules\//.test(place)) return;
        const text = await readFile(path, 'utf8');
        const contents = text
          .replaceAll(/(new URL\('[^']+)\.ts(?=', import\.meta\.url)/g, '$1.cjs')
          .replaceAll('import.meta.url', `new URL('${place}', ${ROOT_VARIABLE}).href`);
        return { contents, loader: 'ts' };
      });
    },
  };
}
