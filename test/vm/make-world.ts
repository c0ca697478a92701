import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { sensorManifest, webManifest } from '../demo/manifests.ts';
import { generateKey, sign } from '../world/cosign.ts';
import { publishImage } from '../world/fleet.ts';
import { createAuthor } from '../world/git-author.ts';
import { startRegistry } from '../world/registry.ts';
import { createSshSigner, writeAllowedSigners } from '../world/signing.ts';
import type { GuestWorld } from './guest/guest-world.ts';

const run = promisify(execFile);

/** Each becomes an image and a commit that asks for it. */
const VERSIONS = ['v1', 'v2', 'v3'];

/**
 * Makes everything around one node, ready to be put into a machine: a Git repository with one signed commit for each
 * version, and the files of a registry with their signed images. Branch `main` is at the first commit.
 * @param directory must exist, empty.
 */
export async function makeGuestWorld(directory: string): Promise<void> {
  const keys = join(directory, 'keys');
  const repository = join(directory, 'fleet.git');
  const signer = await createSshSigner({ directory: keys, principal: 'ops@example.org' });
  const imageKey = await generateKey(keys);
  await writeAllowedSigners(join(directory, 'allowed_signers'), [{ signer }]);
  await run('git', ['init', '--quiet', '--bare', '--initial-branch=main', repository]);
  const author = await createAuthor({ directory: join(directory, 'work-tree'), remote: repository, signer });
  const registry = await startRegistry({ data: join(directory, 'registry') });
  const commits: string[] = [];
  const ownLayers: string[] = [];
  try {
    for (const version of VERSIONS) {
      const { reference, layerDigests } = await publishImage(registry.host, version);
      ownLayers.push(layerDigests.at(-1) ?? '');
      await sign({ key: imageKey, reference });
      const files = { 'web.yaml': webManifest({ image: reference }), 'sensor.yaml': sensorManifest(reference) };
      commits.push(await author.commit({ files, message: `All at ${version}` }));
    }
  } finally {
    await registry.stop();
  }
  await author.git('push', '--quiet', '--force', repository, `${commits[0]}:refs/heads/main`);
  const world: GuestWorld = { registryHost: registry.host, commits, ownLayers };
  await writeFile(join(directory, 'world.json'), JSON.stringify(world));
}
