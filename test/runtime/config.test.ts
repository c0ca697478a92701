import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { checkMountPower } from '../../native/runtime/config/check-config.ts';
import { readConfig } from '../../native/runtime/config/read-config.ts';
import { bundleProcess } from '../../native/runtime/config/schema.ts';
import { type BundleStage, type Config, openBundleStage } from './bundle-stage.ts';

let stage: BundleStage;

beforeAll(async () => {
  stage = await openBundleStage();
});
afterAll(() => stage.close());

const refusals: readonly (readonly [string, (config: Config) => void])[] = [
  ['linux.intelRdt', (config) => Object.assign(config.linux, { intelRdt: { closID: 'a' } })],
  ...(
    [
      ['rdma', { mlx: { hcaHandles: 1 } }],
      ['blockIO.leafWeight', { leafWeight: 10 }],
      ['blockIO.weight', { weight: 9 }],
      ['blockIO.throttleReadBpsDevice[0].rate', { throttleReadBpsDevice: [{ major: 8, minor: 0, rate: -1 }] }],
      ['cpu.cpus', { cpus: '3-1' }],
      ['cpu.idle', { idle: 2 }],
      ['memory.swappiness', { swappiness: 201 }],
      ['hugepageLimits[0].pageSize', [{ pageSize: '../2MB', limit: 1 }]],
      ['network.priorities[0].name', { priorities: [{ name: 'a b', priority: 1 }] }],
      ['unified["cgroup.procs"]', { 'cgroup.procs': '1' }],
      ['unified["memory/../../x"]', { 'memory/../../x': '1' }],
    ] as const
  ).map(([field, value]): readonly [string, (config: Config) => void] => [
    `linux.resources.${field}`,
    (config) => Object.assign(config.linux.resources, { [field.split(/[.[]/)[0] as string]: value }),
  ]),
  [
    'linux.seccomp.flags',
    (config) =>
      Object.assign(config.linux, {
        seccomp: { defaultAction: 'SCMP_ACT_ALLOW', flags: ['SECCOMP_FILTER_FLAG_SPEC_ALLOW'] },
      }),
  ],
  [
    'linux.seccomp.defaultAction',
    (config) => Object.assign(config.linux, { seccomp: { defaultAction: 'SCMP_ACT_NOTIFY' } }),
  ],
  ['mounts[0].uidMappings', (config) => Object.assign(config.mounts[0], { uidMappings: [{}] })],
  ['process.args', (config) => Object.assign(config.process, { args: [] })],
  ['process.cwd', (config) => Object.assign(config.process, { cwd: 'tmp' })],
  ['process.user.uid', (config) => Object.assign(config.process.user, { uid: -1 })],
  ['ociVersion', (config) => Object.assign(config, { ociVersion: '2.0.0' })],
  ['root', (config) => Reflect.deleteProperty(config, 'root')],
  ['linux.namespaces', (config) => config.linux.namespaces.push({ type: 'pid' })],
  ['linux.namespaces', (config) => Object.assign(config.linux, { namespaces: [{ type: 'pid' }] })],
  ['linux.namespaces', (config) => config.linux.namespaces.push({ type: 'user' })],
  ['linux.timeOffsets', (config) => Object.assign(config.linux, { timeOffsets: { boottime: { secs: 1 } } })],
  [
    'linux.personality.flags',
    (config) => Object.assign(config.linux, { personality: { domain: 'LINUX', flags: ['A'] } }),
  ],
  ['linux.sysctl.kernel.panic', (config) => Object.assign(config.linux, { sysctl: { 'kernel.panic': '1' } })],
  ['hooks.prestart[0].path', (config) => Object.assign(config, { hooks: { prestart: [{ path: 'hook' }] } })],
];

describe('CAP_SYS_ADMIN', () => {
  const process = bundleProcess.parse({
    ...{ args: ['sh'], cwd: '/', user: { uid: 0, gid: 0 } },
    capabilities: { bounding: ['CAP_SYS_ADMIN'] },
  });
  const denied = { deniesDevices: true, hasOwnUsers: false };

  test('is refused beside denied devices where nothing would hold them', () => {
    expect(() => checkMountPower(process, denied, { holdsDevices: () => false })).toThrow(
      'process.capabilities.bounding',
    );
  });

  test.each([
    [denied, { holdsDevices: () => true }],
    [{ ...denied, deniesDevices: false }, { holdsDevices: () => false }],
    [{ ...denied, hasOwnUsers: true }, { holdsDevices: () => false }],
  ])('is not refused for %j on %j', (container, group) => {
    expect(() => checkMountPower(process, container, group)).not.toThrow();
  });
});

describe('config.json', () => {
  test.each(refusals)('%s is refused by name', async (field, change) => {
    await stage.configure('true', change);
    await expect(readConfig(stage.bundle)).rejects.toMatchObject({
      code: 'invalid-spec',
      message: expect.stringContaining(`config.json: ${field}`),
    });
  });

  test('as the specification demands, what is none of its fields is passed over', async () => {
    await stage.configure('true', (config) => Object.assign(config.linux, { later: { field: 1 } }));
    await expect(readConfig(stage.bundle)).resolves.toMatchObject({ ociVersion: '1.0.0' });
  });

  test('that is missing or no JSON is told', async () => {
    await expect(readConfig(`${stage.bundle}/absent`)).rejects.toMatchObject({ code: 'invalid-spec' });
  });
});
