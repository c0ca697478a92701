import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { sha256 } from '../../policies/bundle/digest.ts';
import { toolPath } from '../world/tools.ts';

const run = promisify(execFile);

/**
 * Compiles a policy of a few lines, with none of the checks of the real compiler, to a bundle directory.
 * @param rego body of package `gate`; its rule `findings` is what the engine asks.
 * @returns the directory, a new one in `parent`.
 */
export async function makeTinyBundle(parent: string, rego: string): Promise<string> {
  const work = await mkdtemp(join(parent, 'tiny-'));
  await writeFile(join(work, 'gate.rego'), `package gate\n\n${rego}\n`);
  const build = ['build', '--target', 'wasm', '--entrypoint', 'gate/findings', '--output', 'made.tar.gz', 'gate.rego'];
  await run(toolPath('opa'), build, { cwd: work });
  await run('tar', ['-xzPf', 'made.tar.gz', '--transform', 's,^/,,'], { cwd: work });
  const dir = join(work, 'bundle');
  await writeBundle(dir, {
    'policy.wasm': await readFile(join(work, 'policy.wasm')),
    'data.json': await readFile(join(work, 'data.json')),
  });
  return dir;
}

/** Writes a bundle directory of these files, with a manifest that lists them truly but for what `manifest` changes. */
export async function writeBundle(
  dir: string,
  files: Readonly<Record<string, string | Uint8Array>>,
  manifest: object = {},
): Promise<void> {
  await mkdir(dir);
  for (const [name, content] of Object.entries(files)) await writeFile(join(dir, name), content);
  const listed = Object.fromEntries(Object.entries(files).map(([name, content]) => [name, sha256(content)]));
  const whole = {
    revision: sha256('tiny'),
    wasm: [{ entrypoint: 'gate/findings', module: '/policy.wasm' }],
    metadata: { files: listed },
    ...manifest,
  };
  await writeFile(join(dir, '.manifest'), JSON.stringify(whole));
}
