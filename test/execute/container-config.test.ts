import { describe, expect, test } from '@jest/globals';
import { containerConfig, type PodPaths } from '../../agent/execute/container-config.ts';
import { defaultSeccomp, type OciConfig } from '../../native/index.ts';
import { imageOf, podOf } from './containers.ts';

const VOLUMES = `volumes:
  - { name: data, emptyDir: {} }
  - { name: node, hostPath: { path: /srv } }`;
const PATHS: PodPaths = {
  volumes: { data: '/state/data', node: '/srv' },
  files: { '/etc/hostname': '/state/hostname', '/etc/hosts': '/state/hosts' },
};

const configOf = (container: string, paths = PATHS): OciConfig => {
  const pod = podOf({ spec: VOLUMES, container });
  const [only] = pod.containers;
  if (only === undefined) throw new Error('no container');
  return containerConfig(pod, only, imageOf({ entrypoint: ['/a'] }), { uid: 1, gid: 1 }, paths);
};

describe('mounts', () => {
  test("are the pod's files, read-only, and no more without volumes", () => {
    expect(configOf('').mounts).toEqual([
      { destination: '/etc/hostname', type: 'bind', source: '/state/hostname', options: expect.any(Array) },
      { destination: '/etc/hosts', type: 'bind', source: '/state/hosts', options: expect.any(Array) },
    ]);
    for (const { options } of configOf('').mounts) {
      expect(options).toEqual(expect.arrayContaining(['ro', 'nosuid', 'nodev', 'noexec']));
    }
  });

  test("are the volumes: a pod's own, and the node's with what is mounted in them", () => {
    const { mounts } = configOf(
      'volumeMounts: [{ name: data, mountPath: /d }, { name: node, mountPath: /n, readOnly: true }]',
    );
    expect(mounts.slice(2)).toEqual([
      { destination: '/d', type: 'bind', source: '/state/data', options: ['rw', 'nosuid', 'nodev', 'idmap'] },
      {
        destination: '/n',
        type: 'bind',
        source: '/srv',
        options: ['ro', 'nosuid', 'nodev', 'rbind', 'idmap', 'strict'],
      },
    ]);
  });

  test('come parents first, whatever their order in the manifest', () => {
    const paths = ['/a/b/c', '/a-b', '/a', '/z', '/a/b'];
    const list = paths.map((path) => `{ name: data, mountPath: ${path} }`).join(', ');
    const destinations = configOf(`volumeMounts: [${list}]`)
      .mounts.slice(2)
      .map(({ destination }) => destination);
    expect(destinations.toSorted()).toEqual(paths.toSorted());
    for (const [index, path] of destinations.entries()) {
      const later = destinations.slice(index + 1);
      expect(later.filter((other) => path.startsWith(`${other}/`))).toEqual([]);
    }
  });

  test('of a volume without a place are a defect', () => {
    expect(() => configOf('volumeMounts: [{ name: data, mountPath: /d }]', { ...PATHS, volumes: {} })).toThrow(/data/);
  });
});

describe('confinement', () => {
  test('is complete by default', () => {
    const { linux, root } = configOf('');
    expect([linux.seccomp, linux.privileged, root.readonly]).toEqual([defaultSeccomp, false, false]);
    expect(linux.maskedPaths).toContain('/proc/kcore');
    expect(linux.readonlyPaths).toContain('/proc/sys');
  });

  test.each([
    [
      'seccomp only, when it is unconfined',
      '{ seccompProfile: { type: Unconfined } }',
      { seccomp: null, privileged: false },
    ],
    [
      'everything, when it is privileged',
      '{ privileged: true }',
      { seccomp: null, privileged: true, maskedPaths: [], readonlyPaths: [] },
    ],
  ])('lacks %s', (_name, security, linux) => {
    expect(configOf(`securityContext: ${security}`).linux).toMatchObject(linux);
  });

  test('shows all of /proc, and no more of /sys, when that is asked for', () => {
    const { linux } = configOf('securityContext: { procMount: Unmasked }');
    expect(linux.maskedPaths).toEqual(['/sys/devices/virtual/powercap', '/sys/firmware']);
    expect(linux.readonlyPaths).toEqual([]);
  });

  test('takes profiles and labels', () => {
    const { process, linux } = configOf(
      'securityContext: { appArmorProfile: { type: Localhost, localhostProfile: shop }, seLinuxOptions: { level: "s0:c1" } }',
    );
    expect(process).toMatchObject({ apparmorProfile: 'shop', selinuxLabel: 'system_u:system_r:container_t:s0:c1' });
    expect(linux.mountLabel).toBe('system_u:object_r:container_file_t:s0:c1');
    expect(configOf('').process).not.toHaveProperty('apparmorProfile');
    expect(configOf('').process).not.toHaveProperty('selinuxLabel');
  });

  test('is by the node’s own profile, and never by none because that was not read', () => {
    const container = 'securityContext: { seccompProfile: { type: Localhost, localhostProfile: a.json } }';
    expect(() => configOf(container)).toThrow(/a\.json was not read/);
  });

  test('has a read-only root when that is asked for', () => {
    expect(configOf('securityContext: { readOnlyRootFilesystem: true }').root).toEqual({ readonly: true });
  });
});
