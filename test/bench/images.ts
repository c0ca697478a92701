import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type BuiltImage, buildImage, type TarEntry } from '../world/image-builder.ts';
import { type Registry, startRegistry } from '../world/registry.ts';
import { createBenchDisk } from './bench-disk.ts';
import { type BenchGroup, type Measurement, measurement, type Peer } from './report.ts';

const run = promisify(execFile);
const ROUNDS = 3;
const SHARERS = 10;

/** Pull and unpack from one registry, beside podman, which does the same, and skopeo, which unpacks nothing. */
export const images: BenchGroup = {
  name: 'images',
  title: 'Pulling images',
  run: async () => {
    const [registry, disk] = [await startRegistry(), await createBenchDisk()];
    try {
      const [found, missing]: [Puller[], string[]] = [[], []];
      for (const puller of [podman, skopeo]) {
        const isThere = await run(puller.name, ['--version']).then(...YES_OR_NO);
        if (isThere) found.push(puller);
        else missing.push(`${puller.name}: it is not installed.`);
      }
      const big = await build(registry, 'big', 3, 67_000_000, 1);
      const many = await build(registry, 'many', 40, 1_000_000, 20);
      const measurements = [
        ...(await measurePulls('3 layers, 200 MB', big, registry, disk.path, found)),
        ...(await measurePulls('40 layers of 20 files, 40 MB', many, registry, disk.path, found)),
        ...(await measureSharing(registry, disk.path, found)),
      ];
      return { measurements, missing };
    } finally {
      await disk.remove();
      await registry.stop();
    }
  },
};

const YES_OR_NO = [(): boolean => true, (): boolean => false] as const;

/** A program that pulls images into a directory of its own. */
interface Puller {
  readonly name: string;
  readonly unpacks: boolean;
  command(directory: string, references: readonly string[]): readonly [string, ...string[]];
}

const ours = (registry: Registry): Puller => ({
  name: 'holdfast',
  unpacks: true,
  command: (directory, references) => [
    process.execPath,
    join(import.meta.dirname, './pull-image.ts'),
    ...[directory, registry.host, ...references],
  ],
});

const podman: Puller = {
  name: 'podman',
  unpacks: true,
  command: (directory, references) => [
    'podman',
    ...['--root', join(directory, 'root'), '--runroot', join(directory, 'run'), '--storage-driver', 'overlay'],
    ...['pull', '--quiet', '--tls-verify=false', ...references],
  ],
};

const skopeo: Puller = {
  name: 'skopeo',
  unpacks: false,
  command: (directory, [reference = '']) => [
    ...(['skopeo', 'copy', '--quiet', '--src-tls-verify=false'] as const),
    ...[`docker://${reference}`, `oci:${directory}:1`],
  ],
};

/** Half of it can be compressed, as of programs and their texts. */
function build(registry: Registry, name: string, layers: number, bytes: number, files: number): Promise<BuiltImage> {
  const content = (layer: number, file: number): Buffer => {
    const half = Buffer.alloc(Math.floor(bytes / files));
    for (let at = 0, state = layer * 1_000 + file + 1; at + 8 < half.length; at += 8) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      half.writeUInt32LE(state, at);
    }
    return half;
  };
  const layer = (index: number): readonly TarEntry[] =>
    Array.from({ length: files }, (_, file) => ({ name: `${index}/${file}`, content: content(index, file) }));
  return buildImage({
    registry: registry.host,
    name,
    layers: Array.from({ length: layers }, (_, index) => layer(index)),
  });
}

async function measurePulls(
  what: string,
  { reference }: BuiltImage,
  registry: Registry,
  disk: string,
  peers: readonly Puller[],
): Promise<readonly Measurement[]> {
  const pullers = [...peers, ours(registry)];
  const samples = new Map(pullers.map(({ name }) => [name, { ms: [] as number[], mb: [] as number[] }]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const puller of pullers) {
      const directory = join(disk, 'pull');
      await mkdir(directory);
      const { ms, peakKb } = await timedProgram(puller.command(directory, [reference]));
      samples.get(puller.name)?.ms.push(ms);
      samples.get(puller.name)?.mb.push(peakKb / 1_000);
      await clear(directory);
    }
  }
  const measured = (name: string, unit: 'ms' | 'MB', against: readonly Peer[]): Measurement => {
    const { ms, mb } = samples.get(name) ?? { ms: [], mb: [] };
    const label = `${name}: ${what}, ${unit === 'ms' ? 'time' : 'peak memory'}`;
    return measurement(label, unit, unit === 'ms' ? ms : mb, against);
  };
  return (['ms', 'MB'] as const).flatMap((unit) => {
    const theirs = peers.map(({ name }) => ({ name, measured: measured(name, unit, []) }));
    return [...theirs.map((peer) => peer.measured), measured('holdfast', unit, theirs)];
  });
}

/** Ten images of one base and a little of their own. */
async function measureSharing(
  registry: Registry,
  disk: string,
  peers: readonly Puller[],
): Promise<readonly Measurement[]> {
  const base: readonly TarEntry[] = [{ name: 'base', content: Buffer.alloc(20_000_000, 'base') }];
  const references: string[] = [];
  for (let index = 0; index < SHARERS; index++) {
    const own = [{ name: 'own', content: Buffer.alloc(100_000, String(index)) }];
    references.push(
      (await buildImage({ registry: registry.host, name: `share-${index}`, layers: [base, own] })).reference,
    );
  }
  const used: Peer[] = [];
  const measurements: Measurement[] = [];
  for (const puller of [...peers.filter(({ unpacks }) => unpacks), ours(registry)]) {
    const directory = join(disk, 'share');
    await mkdir(directory);
    await timedProgram(puller.command(directory, references));
    const { stdout } = await run('du', ['--summarize', '--block-size=1000', directory]);
    const measured = measurement(
      `${puller.name}: disk of ${SHARERS} images that share 20 MB`,
      'MB',
      [Number.parseInt(stdout, 10) / 1_000],
      puller.name === 'holdfast' ? used : [],
    );
    used.push({ name: puller.name, measured });
    measurements.push(measured);
    await clear(directory);
  }
  return measurements;
}

/** podman mounts its own directory on itself. */
async function clear(directory: string): Promise<void> {
  await run('umount', ['--quiet', join(directory, 'root/overlay')]).catch(() => undefined);
  await rm(directory, { recursive: true, force: true });
}

/** @throws Error when the program fails. Peak memory is read from proc(5) while it runs, so that it is the same for all. */
async function timedProgram([command, ...args]: readonly [string, ...string[]]): Promise<{
  ms: number;
  peakKb: number;
}> {
  const started = performance.now();
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const exited = once(child, 'exit');
  let peakKb = 0;
  let isOver = false;
  const over = exited.then(() => {
    isOver = true;
  });
  while (!isOver) {
    const status = await readFile(`/proc/${child.pid}/status`, 'utf8').catch(() => '');
    peakKb = Math.max(peakKb, Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0));
    await Promise.race([over, sleep(10)]);
  }
  const [code] = (await exited) as [number | null];
  if (code !== 0) throw new Error(`${command} failed (${code}): ${errors.slice(-2_000)}`);
  return { ms: performance.now() - started, peakKb };
}
