import { spawnSync } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { launchOf } from '../../native/container/launch-of.ts';
import { defaultSeccomp } from '../../native/index.ts';
import { encodeLaunchSpec } from '../../native/launch/encode.ts';
import { createShimLauncher } from '../../native/launch/shim.ts';
import { buildPath } from '../../native/library.ts';
import type { ProcessId } from '../../native/process/process-id.ts';
import type { SandboxRecord } from '../../native/records/records.ts';
import { type ContainerStage, openContainerStage, untilSome } from './container-stage.ts';
import { anyLaunchSpec, expectedLine } from './launch-specs.ts';

const samples = fc.sample(anyLaunchSpec, { numRuns: 200, seed: 20_261_123 });

/** @returns what the shim's decoder, built with the sanitizers, makes of each. */
function decode(specs: readonly Buffer[]): readonly string[] {
  const input = Buffer.concat(specs.flatMap((spec) => [lengthOf(spec), spec]));
  const result = spawnSync(buildPath('sanitize/shim-parts'), { input, maxBuffer: 2 ** 28 });
  expect(result.stderr.toString()).toBe('');
  expect(result.status).toBe(0);
  return result.stdout.toString().split('\n').slice(0, -1);
}

function lengthOf(spec: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(spec.length);
  return length;
}

beforeAll(() => {
  const make = spawnSync('make', ['-s', '-C', 'native', 'sanitize'], { encoding: 'utf8' });
  expect([make.status, make.stderr]).toEqual([0, '']);
}, 120_000);

describe('a launch spec', () => {
  test('arrives in the shim as it was written', () => {
    expect(decode(samples.map(encodeLaunchSpec))).toEqual(samples.map(expectedLine));
  });

  test('cut short at any byte is refused', () => {
    const whole = samples.slice(0, 12).map(encodeLaunchSpec);
    const cut = whole.flatMap((spec) => [...spec.keys()].map((length) => spec.subarray(0, length)));
    expect(new Set(decode(cut))).toEqual(new Set(['bad']));
  });

  test('that says it is as long as it was cut is refused too', () => {
    const whole = samples.slice(0, 12).map(encodeLaunchSpec);
    const cut = whole.flatMap((spec) =>
      [...spec.keys()].slice(8).map((length) => {
        const shorter = Buffer.from(spec.subarray(0, length));
        shorter.writeUInt32LE(length, 4);
        return shorter;
      }),
    );
    expect(new Set(decode(cut))).toEqual(new Set(['bad']));
  });

  test('longer than it says is refused', () => {
    expect(decode(samples.map((spec) => Buffer.concat([encodeLaunchSpec(spec), Buffer.alloc(1)])))).toEqual(
      samples.map(() => 'bad'),
    );
  });

  test('with any byte changed is read within its bounds', () => {
    const changed = samples.slice(0, 20).flatMap((spec) => {
      const bytes = encodeLaunchSpec(spec);
      return [...bytes.keys()].flatMap((at) =>
        [0xff, 0x7f, 0].map((value) => {
          const copy = Buffer.from(bytes);
          copy[at] = value;
          return copy;
        }),
      );
    });
    expect(decode(changed)).toHaveLength(changed.length);
  });

  test('with a NUL in a text, or a number too large, is not written', () => {
    const [spec] = fc.sample(anyLaunchSpec, { numRuns: 1, seed: 1 });
    expect(() => encodeLaunchSpec({ ...spec, volumes: [], mode: 'sandbox', hostname: 'a\0b' } as never)).toThrow(
      'must not contain NUL',
    );
    const sandbox = {
      mode: 'sandbox',
      birthGroup: null,
      shimGroupFiles: [],
      users: 'host',
      network: 'host',
      hostname: '',
      idBase: 0,
      sysctls: [],
    };
    expect(() => encodeLaunchSpec({ ...sandbox, idCount: 2 ** 32 } as never)).toThrow('out of range');
  });
});

describe('the C code under the sanitizers', () => {
  test('of the library does what its header says', () => {
    const shim = buildPath('holdfast-shim');
    const result = spawnSync(buildPath('sanitize/library-check'), [shim], { encoding: 'utf8' });
    expect([result.stderr, result.status]).toEqual(['', 0]);
  });

  test('of the shim starts and supervises a container, its log rotated', async () => {
    const stage = await openContainerStage();
    const launcher = createShimLauncher(buildPath('sanitize/holdfast-shim'));
    const common = {
      birthGroup: null,
      shimGroupFiles: [],
      users: 'private',
      network: 'private',
      processes: 'shared',
      ipc: 'private',
      sysctls: [['net/ipv4/ip_default_ttl', '33']],
    } as const;
    const ids = { idBase: 1_048_576, idCount: 65_536 };
    const pod = { ...common, ...ids, mode: 'sandbox', hostname: 'sane', volumes: [] } as const;
    const holder = await (await launcher.start(pod, async () => undefined)).started;
    try {
      const { launch, exitPath, logPath } = await sanitizedContainer(stage, holder.process);
      await (await launcher.start(launch, async () => undefined)).started;
      await untilSome(async () => (await readdir(stage.directory)).includes(basename(exitPath)));
      expect(JSON.parse(await readFile(exitPath, 'utf8'))).toMatchObject({ code: 6, signal: 0, droppedLogLines: 0 });
      expect(await readFile(logPath, 'utf8')).toContain(' stdout F 400\n');
      expect(await readFile(`${logPath}.1`, 'utf8')).toMatch(/ stdout F \d+\n$/);
    } finally {
      process.kill(holder.process.pid, 'SIGKILL');
      await stage.close();
    }
  });
});

async function sanitizedContainer(stage: ContainerStage, holder: ProcessId) {
  const rootDir = join(stage.directory, 'root');
  const exitPath = join(stage.directory, 'exit.json');
  const logPath = join(stage.directory, 'app.log');
  const spec = stage.spec('hostname; seq 1 400; mkdir /etc/x || exit 6', {
    config: {
      root: { readonly: true },
      mounts: [
        { destination: '/a/b', type: 'tmpfs', source: '', options: ['size=64k'] },
        { destination: '/c/d', type: 'bind', source: stage.layer, options: ['rbind', 'idmap', 'ro'] },
      ],
    },
    linux: { maskedPaths: ['/proc/version', '/sys/firmware'], readonlyPaths: ['/proc/sys'], seccomp: defaultSeccomp },
    log: { path: logPath, maxBytes: 4000, maxFiles: 2 },
  });
  const sandbox: SandboxRecord = {
    ...{ id: 'pod', labels: {}, hostname: 'sane', network: 'private', processes: 'shared' },
    ...{ idBase: 1_048_576, bootId: '', logPaths: [] },
    holder,
  };
  const launch = await launchOf(spec, { cgroups: stage.cgroups, sandbox, holder, rootDir, exitPath });
  return { launch: { ...launch, birthGroup: null, shimGroupFiles: [], groupFiles: [] }, exitPath, logPath };
}
