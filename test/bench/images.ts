import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
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
  /** Whether it is there already when an image is asked for: it says so, and pulls when it is told. */
  readonly isResident: boolean;
  command(directory: string, references: readonly string[]): readonly [string, ...string[]];
}

const ours = (registry: Registry): Puller => ({
  name: 'holdfast',
  unpacks: true,
  isResident: true,
  command: (directory, references) => [
    ...([process.execPath, '--expose-gc'] as const),
    join(import.meta.dirname, './pull-image.ts'),
    ...[directory, registry.host, ...references],
  ],
});

const podman: Puller = {
  name: 'podman',
  unpacks: true,
  isResident: false,
  command: (directory, references) => [
    'podman',
    ...['--root', join(directory, 'root'), '--runroot', join(directory, 'run'), '--storage-driver', 'overlay'],
    ...['pull', '--quiet', '--tls-verify=false', ...references],
  ],
};

const skopeo: Puller = {
  name: 'skopeo',
  unpacks: false,
  isResident: false,
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
  const samples = new Map(pullers.map(({ name }) => [name, [] as Sample[]]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const puller of pullers) {
      const directory = join(disk, 'pull');
      await mkdir(directory);
      samples.get(puller.name)?.push(await pullOnce(puller, directory, [reference]));
      await clear(directory);
    }
  }
  const measured = (name: string, { title, unit, of }: Figure, against: readonly Peer[]): Measurement =>
    measurement(`${name}: ${what}, ${title}`, unit, (samples.get(name) ?? []).map(of), against);
  return FIGURES.flatMap((figure) => {
    const theirs = peers.map(({ name }) => ({ name, measured: measured(name, figure, []) }));
    return [...theirs.map((peer) => peer.measured), measured('holdfast', figure, theirs)];
  });
}

/** One pull: how long it took, the processor time it cost, and the most memory the program had, all and more than idle. */
interface Sample {
  readonly ms: number;
  readonly cpuMs: number;
  readonly peakMb: number;
  readonly grownMb: number;
}

interface Figure {
  readonly title: string;
  readonly unit: 'ms' | 'MB';
  readonly of: (sample: Sample) => number;
}

const FIGURES: readonly Figure[] = [
  { title: 'time', unit: 'ms', of: ({ ms }) => ms },
  { title: 'processor time', unit: 'ms', of: ({ cpuMs }) => cpuMs },
  { title: 'peak memory', unit: 'MB', of: ({ peakMb }) => peakMb },
  { title: 'peak memory over idle', unit: 'MB', of: ({ grownMb }) => grownMb },
];

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
    await pullOnce(puller, directory, references);
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

/**
 * Memory and processor time are read from proc(5) while the program runs, so that it is the same for all. What is resident
 * counts from when it is told to pull, what is not from its start, when it had nothing.
 * @throws Error when the program fails.
 */
async function pullOnce(puller: Puller, directory: string, references: readonly string[]): Promise<Sample> {
  const [command, ...args] = puller.command(directory, references);
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const exited = once(child, 'exit');
  const pid = child.pid ?? 0;
  if (puller.isResident) await once(child.stdout, 'data');
  child.stdout.resume();
  const idle = puller.isResident ? await readUse(pid) : { rssMb: 0, peakMb: 0, cpuMs: 0 };
  if (puller.isResident) await writeFile(`/proc/${pid}/clear_refs`, FORGET_PEAK);
  const started = performance.now();
  child.stdin.end('pull\n');
  let last = idle;
  let isOver = false;
  const over = exited.then(() => {
    isOver = true;
  });
  while (!isOver) {
    const use = await readUse(pid).catch(() => last);
    last = use.peakMb === 0 ? last : use;
    await Promise.race([over, sleep(10)]);
  }
  const [code] = (await exited) as [number | null];
  if (code !== 0) throw new Error(`${command} failed (${code}): ${errors.slice(-2_000)}`);
  const ms = performance.now() - started;
  return { ms, cpuMs: last.cpuMs - idle.cpuMs, peakMb: last.peakMb, grownMb: last.peakMb - idle.rssMb };
}

/** proc(5), /proc/pid/clear_refs: the peak is what is used now. */
const FORGET_PEAK = '5';
const MS_PER_TICK = 10;

async function readUse(pid: number): Promise<{ rssMb: number; peakMb: number; cpuMs: number }> {
  const [status, stat] = await Promise.all([
    readFile(`/proc/${pid}/status`, 'utf8'),
    readFile(`/proc/${pid}/stat`, 'utf8'),
  ]);
  const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0) / 1_000;
  const afterName = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  return {
    rssMb: field('VmRSS'),
    peakMb: field('VmHWM'),
    cpuMs: ((afterName[11] ?? 0) + (afterName[12] ?? 0)) * MS_PER_TICK,
  };
}
