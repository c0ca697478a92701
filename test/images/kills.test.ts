import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type BuiltImage, buildImage } from '../world/image-builder.ts';
import { freePort, startProgram } from '../world/program.ts';
import { type Registry, startRegistry } from '../world/registry.ts';
import { faultyRegistryProxy, type RegistryProxy } from '../world/registry-proxy.ts';
import { makeTempDir, type TempDir } from '../world/temp-dir.ts';
import { openSource } from './open-source.ts';

/** Kills of the agent or the registry; `HOLDFAST_KILLS=50` for a long run. */
const KILLS = Number(process.env.HOLDFAST_KILLS ?? 6);
/** Told by a failure; gives the same moments again. */
const SEED = process.env.HOLDFAST_KILLS_SEED ?? randomBytes(4).toString('hex');

const LAYERS = 6;
const LAYER_BYTES = 500_000;
const BYTES_PER_SECOND = 2_500_000;
const LONGEST_MS = 1_500;

let directory: TempDir;
let stateDir: string;
let registry: Registry;
let proxy: RegistryProxy;
let image: BuiltImage;
let contents: readonly Buffer[];

beforeAll(async () => {
  directory = await makeTempDir();
  stateDir = join(directory.path, 'state');
  registry = await startRegistry({ data: join(directory.path, 'registry'), port: await freePort() });
  contents = Array.from({ length: LAYERS }, () => randomBytes(LAYER_BYTES));
  const layers = contents.map((content, index) => [{ name: `layer-${index}`, content }]);
  image = await buildImage({ registry: registry.host, name: 'app', tag: '1', layers });
  proxy = await faultyRegistryProxy(registry.host, () => null);
});

afterAll(async () => {
  await proxy.stop();
  await registry.stop();
  await directory.remove();
});

test(`a pull that is killed again and again converges, and fetches nothing twice that was there (seed ${SEED})`, async () => {
  for (let kill = 0; kill < KILLS; kill++) {
    const before = await kept();
    const unpacked = await readdir(join(stateDir, 'images/layers')).catch(() => []);
    const firstRequest = proxy.seen.length;
    await pullAndKill(chance(kill, 'who') < 0.6 ? 'agent' : 'registry', chance(kill, 'when') * LONGEST_MS);
    const requested = requestedSince(firstRequest);
    expect(requested.size).toBeLessThanOrEqual(LAYERS - unpacked.length);
    for (const [digest, offset] of requested) {
      expect({ kill, digest, offset }).toEqual({ kill, digest, offset: before.get(digest) ?? 0 });
    }
  }
  const source = await openSource(stateDir, [proxy.host]);
  const { facts } = await source.resolve(`${proxy.host}/app:1`);
  await source.pull(facts.digest);
  const places = (await source.layers(facts.digest)).toReversed();
  for (const [index, content] of contents.entries()) {
    expect((await readFile(join(places[index] ?? '', `layer-${index}`))).equals(content)).toBe(true);
  }
  const findings = await source.admin.verify(null, 'report');
  expect(findings.map(({ verdict }) => verdict.state)).toEqual(Array.from({ length: LAYERS }, () => 'whole'));
  expect(await readdir(join(stateDir, 'images/partials'))).toEqual([]);
  expect(await readdir(join(stateDir, 'images/tmp'))).toEqual([]);
}, 400_000);

/** One life of an agent that pulls, or what is left of it when the registry goes away. */
async function pullAndKill(who: 'agent' | 'registry', afterMs: number): Promise<void> {
  const program = await startProgram({
    command: process.execPath,
    args: [
      ...[join(import.meta.dirname, './pull-program.ts'), stateDir, proxy.host],
      ...[`${proxy.host}/app:1`, String(BYTES_PER_SECOND)],
    ],
    ready: /opened/,
  });
  await sleep(afterMs);
  if (who === 'registry') {
    const port = Number(registry.host.split(':')[1]);
    await registry.kill();
    registry = await startRegistry({ data: join(directory.path, 'registry'), port });
  }
  await program.kill();
}

/** @returns bytes of each layer on disk, by digest. */
async function kept(): Promise<ReadonlyMap<string, number>> {
  const sizes = new Map<string, number>();
  for (const digest of image.layerDigests) {
    const path = join(stateDir, 'images/partials', digest.slice('sha256:'.length));
    if (existsSync(path)) sizes.set(digest, (await stat(path)).size);
  }
  return sizes;
}

/** @returns where the first request for each layer began. */
function requestedSince(index: number): ReadonlyMap<string, number> {
  const offsets = new Map<string, number>();
  for (const { url, range } of proxy.seen.slice(index)) {
    const digest = /\/blobs\/(sha256:[0-9a-f]{64})$/.exec(url)?.[1] ?? '';
    if (!image.layerDigests.includes(digest) || offsets.has(digest)) continue;
    offsets.set(digest, Number(/^bytes=(\d+)-$/.exec(range ?? 'bytes=0-')?.[1]));
  }
  return offsets;
}

/** @returns a number from 0 to 1 that the seed gives for a purpose. */
function chance(kill: number, purpose: string): number {
  return createHash('sha256').update(`${SEED} ${kill} ${purpose}`).digest().readUInt32BE(0) / 2 ** 32;
}
