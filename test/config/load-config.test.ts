import { writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ConfigError, type LoadedConfig, loadConfig } from '../../agent/config/load-config.ts';
import { makeTempDir, type TempDir } from '../world/temp-dir.ts';

const HEAD = 'apiVersion: holdfast.dev/v1alpha1\nkind: AgentConfig\n';
const SOURCE = 'source:\n  url: https://git.test/fleet.git\n  signers: { ssh: /etc/holdfast/signers }\n';

let directory: TempDir;
let file: string;

beforeEach(async () => {
  directory = await makeTempDir();
  file = join(directory.path, 'agent.yaml');
});
afterEach(() => directory.remove());

const load = async (text: string | Uint8Array): Promise<LoadedConfig> => {
  await writeFile(file, text);
  return loadConfig(file);
};
/** @returns every line of the error, without the directory. */
const complaints = async (text: string | Uint8Array): Promise<readonly string[]> => {
  const error = await load(text).then(
    () => new Error('it was accepted'),
    (thrown: Error) => thrown,
  );
  expect(error).toEqual(expect.objectContaining({ name: 'ConfigError', code: 'bad-config' }));
  return error.message.split('\n').map((line) => line.replace(`${directory.path}/`, ''));
};

test('every field but the source has a default', async () => {
  expect(await load(HEAD + SOURCE)).toEqual({
    apiVersion: 'holdfast.dev/v1alpha1',
    kind: 'AgentConfig',
    network: { ipv6: true, nameservers: [], pools: ['10.213.0.0/16', '10.214.0.0/16'], prefixLength: 24 },
    node: { name: hostname(), labels: {} },
    source: {
      url: 'https://git.test/fleet.git',
      branch: 'main',
      path: '',
      schedule: '*/30 * * * * *',
      jitterSeconds: 5,
      timeoutSeconds: 120,
      signers: { ssh: '/etc/holdfast/signers' },
      auth: {},
    },
    images: {
      insecureRegistries: [],
      keys: [],
      registries: [],
      download: { parallelLayers: 3 },
      store: { reserveBytes: 64 * 1024 * 1024, keepUnusedHours: 168 },
      verify: { everyHours: 24, bytesPerSecond: 8 * 1024 * 1024 },
    },
    policy: { onViolation: 'report', settings: {}, timeoutMs: 1_000 },
    telemetry: { metricIntervalMs: 60_000 },
    paths: { state: '/var/lib/holdfast', run: '/run/holdfast', logs: '/var/log/holdfast/pods' },
    seccomp: { profiles: '/etc/holdfast/seccomp' },
    ids: { first: 1_048_576, ranges: 65_519 },
    reconcile: { scanIntervalMs: 1_000, settleMs: 2_000 },
    logs: { maxBytes: 10 * 1024 * 1024, maxFiles: 3 },
    cgroupRoot: '/holdfast',
  });
});

test('JSON is read too', async () => {
  const config = {
    apiVersion: 'holdfast.dev/v1alpha1',
    kind: 'AgentConfig',
    node: { name: 'edge-1', labels: { role: 'edge' } },
    source: { url: 'file:///srv/fleet.git', signers: { gpg: '/etc/holdfast/keys.asc' } },
  };
  expect((await load(JSON.stringify(config))).node).toEqual({ name: 'edge-1', labels: { role: 'edge' } });
});

describe('refused with file, line, column and field', () => {
  test.each<[string, string, string]>([
    ['an unknown field', 'polcy: {}\n', 'agent.yaml:6:1: polcy: unknown field `polcy`, did you mean `policy`?'],
    [
      'an unknown field inside',
      'logs:\n  maxByte: 5000\n',
      'agent.yaml:7:3: logs.maxByte: unknown field `maxByte`, did you mean `maxBytes`?',
    ],
    [
      'a value of the wrong type',
      'logs:\n  maxFiles: many\n',
      'agent.yaml:7:3: logs.maxFiles: must be a number, not text',
    ],
    [
      'a value too small',
      'reconcile:\n  scanIntervalMs: 1\n',
      'agent.yaml:7:3: reconcile.scanIntervalMs: must be at least 100',
    ],
    ['a value too large', 'policy: { timeoutMs: 60001 }\n', 'agent.yaml:6:11: policy.timeoutMs: must be at most 60000'],
    [
      'a word of none of the few',
      'policy: { onViolation: stopp }\n',
      'agent.yaml:6:11: policy.onViolation: must be one of `report`, `stop`, not `stopp`; did you mean `stop`?',
    ],
    ['a relative path', 'paths: { state: var/lib }\n', 'agent.yaml:6:10: paths.state: must be an absolute path'],
    [
      'a run directory in which no socket can be',
      `paths: { run: /${'r'.repeat(96)} }\n`,
      'agent.yaml:6:10: paths.run: must have at most 96 characters',
    ],
    [
      'a receiver that is no URL',
      'telemetry: { endpoint: collector }\n',
      'agent.yaml:6:14: telemetry.endpoint: must be an http or https URL',
    ],
    [
      'a receiver of another protocol',
      'telemetry: { endpoint: ftp://c }\n',
      'agent.yaml:6:14: telemetry.endpoint: must be an http or https URL',
    ],
    [
      'a cgroup that is no path',
      'cgroupRoot: holdfast\n',
      'agent.yaml:6:1: cgroupRoot: must be an absolute cgroup path such as /holdfast',
    ],
    [
      'a cgroup that climbs',
      'cgroupRoot: /../x\n',
      'agent.yaml:6:1: cgroupRoot: must be an absolute cgroup path such as /holdfast',
    ],
    ['a key without a name', 'images:\n  keys:\n    - file: /k\n', 'agent.yaml:8:7: images.keys[0].name: is required'],
    ['a field twice', 'logs: {}\nlogs: {}\n', 'agent.yaml:7:1: logs: '],
    [
      'a second document',
      '---\nkind: AgentConfig\n',
      'agent.yaml:7:1: a second document begins here; only one is read',
    ],
    ['broken YAML', 'logs: {\n', 'agent.yaml:'],
  ])('%s', async (_name, extra, complaint) => {
    const [first, ...others] = await complaints(HEAD + SOURCE + extra);
    expect(first?.slice(0, complaint.length)).toBe(complaint);
    expect(others).toEqual([]);
  });

  test.each<[string, string, string]>([
    ['no source', '', 'agent.yaml:1:1: source: is required'],
    ['no signers', 'source: { url: https://git.test/f }\n', 'agent.yaml:3:1: source.signers: is required'],
    [
      'empty signers',
      'source:\n  url: https://git.test/f\n  signers: {}\n',
      'agent.yaml:5:3: source.signers: name at least one of ssh and gpg: unsigned commits never run',
    ],
    [
      'a schedule that is none',
      `${SOURCE}  schedule: every minute\n`,
      'agent.yaml:6:3: source.schedule: must be a cron expression; every 30 seconds is `*/30 * * * * *`',
    ],
    [
      'a schedule of times there are not',
      `${SOURCE}  schedule: '61 * * * * *'\n`,
      'agent.yaml:6:3: source.schedule: must be a cron expression; every 30 seconds is `*/30 * * * * *`',
    ],
  ])('%s', async (_name, source, complaint) => {
    expect(await complaints(HEAD + source)).toEqual([complaint]);
  });

  test('another kind or version', async () => {
    expect(await complaints(`apiVersion: v1\nkind: Pod\n${SOURCE}`)).toEqual([
      'agent.yaml:1:1: apiVersion: must be `holdfast.dev/v1alpha1`, not `v1`',
      'agent.yaml:2:1: kind: must be `AgentConfig`, not `Pod`',
    ]);
  });

  test('all problems at once, in the order of the file', async () => {
    const text = `${HEAD}${SOURCE}logs: { maxBytes: 1 }\npaths: { run: run }\nnodes: {}\n`;
    expect((await complaints(text)).map((line) => line.split(' ')[0])).toEqual([
      'agent.yaml:6:9:',
      'agent.yaml:7:10:',
      'agent.yaml:8:1:',
    ]);
  });
});

describe('refused as a whole', () => {
  test('an empty file', async () => {
    expect(await complaints('# nothing\n')).toEqual([
      'agent.yaml:1:1: is empty; write one document of kind AgentConfig',
    ]);
  });

  test('a file that is not there', async () => {
    await expect(loadConfig(join(directory.path, 'other.yaml'))).rejects.toThrow(
      /other\.yaml:1:1: cannot read the configuration \(ENOENT\); write it, or name another with --config/,
    );
    await expect(loadConfig(directory.path)).rejects.toThrow(/cannot read the configuration \(EISDIR\)/);
  });

  test('with every problem for programs too', async () => {
    const error = await load(HEAD).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(ConfigError);
    expect(error.problems).toEqual([{ file, line: 1, column: 1, path: 'source', message: 'is required' }]);
  });
});
