import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { type BuildOptions, build } from 'esbuild';
import { GRPC, grpcOnUse } from './grpc-on-use.ts';
import { ROOT_VARIABLE, sourcePlaces } from './source-places.ts';

const SOURCES = join(import.meta.dirname, '../..');
const RELEASE = join(SOURCES, '.cache/dist');
/** Each becomes one file in the place of its source. */
const PROGRAMS = ['agent/main.ts', 'policies/engine/thread-main.ts'];
/** Read as they are, from the same places as in the sources. */
const DATA = ['native/build/libholdfast.so', 'native/build/holdfast-shim', 'policies/bundles/default'];
/** Left out of the bundle: koffi is native code; gRPC is never used, since the agent's telemetry goes over HTTP. */
const EXTERNAL = ['koffi', GRPC];

const { name, version, license, engines, dependencies } = JSON.parse(
  await readFile(join(SOURCES, 'package.json'), 'utf8'),
);

await rm(RELEASE, { recursive: true, force: true });
for (const program of PROGRAMS) await build(bundling(program));
for (const path of DATA) await cp(join(SOURCES, path), join(RELEASE, path), { recursive: true });
const bin = { holdfast: compiled('agent/main.ts') };
const manifest = { name, version, license, engines, bin, dependencies: { koffi: dependencies.koffi } };
await writeFile(join(RELEASE, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);

/**
 * CommonJS, though the sources are modules: a module that imports a part of Node gets all that this part exports, made
 * at once, which for `node:http` is a browser's `WebSocket` and 10 MB of memory behind it. Names stay for the traces.
 */
function bundling(program: string): BuildOptions {
  const root = JSON.stringify(`/${relative(dirname(program), '.')}/`);
  return {
    absWorkingDir: SOURCES,
    entryPoints: [program],
    outfile: join(RELEASE, compiled(program)),
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    supported: { 'dynamic-import': false },
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: 'linked',
    external: EXTERNAL,
    banner: {
      js: `"use strict"; const ${ROOT_VARIABLE} = require('node:url').pathToFileURL(__dirname + ${root}).href;`,
    },
    define: { 'import.meta.url': ROOT_VARIABLE },
    logOverride: { 'empty-import-meta': 'error' },
    plugins: [sourcePlaces(SOURCES), grpcOnUse],
  };
}

function compiled(program: string): string {
  return program.replace(/\.ts$/, '.cjs');
}
