import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';
import { DATA_FILE, DEFAULT_BUNDLE_DIR, MANIFEST_FILE, WASM_FILE } from '../bundle/bundle.ts';
import { sha256 } from '../bundle/digest.ts';
import { openPolicyEngine } from '../engine/engine.ts';
import { PolicyError } from '../errors.ts';
import { describeRules, type RuleDescription } from './describe-rules.ts';
import { createOpa, type Opa } from './opa.ts';
import { replaceDir } from './replace-dir.ts';
import { sourceRevision, TEST_FILES } from './source-revision.ts';

/** The Rego sources of Holdfast's own packs. */
export const PACKS_DIR = fileURLToPath(new URL('../packs', import.meta.url));
/** The rule the engine asks: all findings of all packs. */
const ENTRYPOINT = 'gate/findings';

export interface BuildOptions {
  /** Absolute path of the `opa` program. */
  readonly opaPath: string;
  /** Directory of the Rego sources. */
  readonly packsDir: string;
  /** Bundle directory to make or replace. */
  readonly outDir: string;
}

/**
 * Compiles Rego sources to a bundle directory. The same sources and compiler give the same bytes. The old bundle stays
 * untouched unless the new one compiles, loads and has all its builtins.
 * @returns revision of the new bundle.
 * @throws PolicyError `compile-failed`, with file and line as opa tells them, or `wasm-unusable`
 */
export async function buildBundle({ opaPath, packsDir, outDir }: BuildOptions): Promise<string> {
  const opa = createOpa({ opaPath, dir: packsDir });
  await opa.run('check', '--strict', '.');
  const rules = await describeRules(opa);
  const compiled = await compile(opa);
  const version = await opa.version();
  const revision = await sourceRevision({ packsDir, compiler: `opa ${version}`, entrypoint: ENTRYPOINT });
  const manifest = manifestText({ revision, compiled, version, rules });
  await replaceDir(outDir, { ...compiled, [MANIFEST_FILE]: manifest }, async (newDir) => {
    const engine = await openPolicyEngine({ bundleDir: newDir });
    await engine.close();
  });
  return revision;
}

type CompiledFiles = Readonly<Record<typeof WASM_FILE | typeof DATA_FILE, Buffer>>;

async function compile(opa: Opa): Promise<CompiledFiles> {
  const work = await mkdtemp(join(tmpdir(), 'holdfast-bundle-'));
  try {
    const archive = join(work, 'bundle.tar.gz');
    const what = ['--target', 'wasm', '--entrypoint', ENTRYPOINT, '--ignore', TEST_FILES];
    await opa.run('build', ...what, '--output', archive, '.');
    const files = await readArchive(archive);
    return { [WASM_FILE]: fileOf(files, WASM_FILE), [DATA_FILE]: fileOf(files, DATA_FILE) };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function readArchive(path: string): Promise<ReadonlyMap<string, Buffer>> {
  const files = new Map<string, Buffer>();
  for await (const entry of createReadStream(path).pipe(createGunzip()).pipe(extract())) {
    files.set(entry.header.name.replace(/^\//, ''), await buffer(entry));
  }
  return files;
}

function fileOf(files: ReadonlyMap<string, Buffer>, name: string): Buffer {
  const content = files.get(name);
  if (!content) throw new PolicyError('compile-failed', `opa build made a bundle without ${name}`);
  return content;
}

/** The manifest of an OPA bundle; `metadata` is ours. It owns all of `data`, being the only bundle of its engine. */
function manifestText(bundle: {
  readonly revision: string;
  readonly compiled: CompiledFiles;
  readonly version: string;
  readonly rules: readonly RuleDescription[];
}): string {
  const { revision, compiled, version, rules } = bundle;
  const files = { [DATA_FILE]: sha256(compiled[DATA_FILE]), [WASM_FILE]: sha256(compiled[WASM_FILE]) };
  const manifest = {
    revision,
    roots: [''],
    wasm: [{ entrypoint: ENTRYPOINT, module: `/${WASM_FILE}` }],
    rego_version: 1,
    metadata: { compiler: { name: 'opa', version }, files, rules },
  };
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

if (import.meta.main) {
  const [opaPath] = process.argv.slice(2);
  if (!opaPath) throw new Error('usage: node policies/compiler/build-bundle.ts <path of opa>');
  try {
    console.log(await buildBundle({ opaPath: resolve(opaPath), packsDir: PACKS_DIR, outDir: DEFAULT_BUNDLE_DIR }));
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 1;
  }
}
