import { describe, expect, test } from '@jest/globals';
import { checkProcess } from '../../agent/execute/check-process.ts';
import { processConfig } from '../../agent/execute/process-config.ts';
import type { ImageConfig } from '../../agent/images/image-source.ts';
import type { Container } from '../../manifests/index.ts';
import type { OciProcess } from '../../native/index.ts';
import { containerOf, imageOf, podOf } from './containers.ts';

const PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const USER = { uid: 1, gid: 2 };

const configOf = (container: string, image: Partial<ImageConfig> = {}): OciProcess =>
  processConfig(containerOf(container), imageOf(image), USER, 'web');

describe('the command line', () => {
  const image = { entrypoint: ['/entry'], cmd: ['one', 'two'] };

  test.each<[string, string, readonly string[]]>([
    ["is the image's", '', ['/entry', 'one', 'two']],
    ["is the manifest's command, without the image's Cmd", 'command: [/mine]', ['/mine']],
    ["is the image's Entrypoint with the manifest's args", 'args: [three]', ['/entry', 'three']],
    ["is the manifest's alone", 'command: [/mine]\nargs: [three]', ['/mine', 'three']],
  ])('%s', (_name, container, args) => {
    expect(configOf(container, image).args).toEqual(args);
  });
});

describe('the environment', () => {
  test('has a PATH and the host name, unless the image or the manifest says otherwise', () => {
    expect(configOf('').env).toEqual([PATH, 'HOSTNAME=web']);
    expect(configOf('', { env: ['PATH=/bin', 'HOSTNAME=x'] }).env).toEqual(['PATH=/bin', 'HOSTNAME=x']);
    expect(configOf('env: [{ name: PATH, value: /mine }]', { env: ['PATH=/bin'] }).env).toContain('PATH=/mine');
  });

  test("holds each name once: the manifest's value before the image's, the image's last before its first", () => {
    const { env } = configOf('env: [{ name: A, value: "3=3" }, { name: C }]', { env: ['A=1', 'B=1', 'A=2', 'B=2=2'] });
    expect(env.slice(2)).toEqual(['A=3=3', 'B=2=2', 'C=']);
  });

  test.each(['=x', 'NAMELESS', ''])('leaves out the entry %j of an image, which no program could read', (entry) => {
    expect(configOf('', { env: [entry, 'A=1'] }).env).toEqual([PATH, 'HOSTNAME=web', 'A=1']);
  });
});

describe('the working directory', () => {
  test.each([
    ['', '', '/'],
    ['', '/srv', '/srv'],
    ['', 'srv/app', '/srv/app'],
    ['', '../../etc', '/etc'],
    ['workingDir: /mine', '/srv', '/mine'],
  ])('is absolute: %j over %j is %s', (container, workingDir, cwd) => {
    expect(configOf(container, { workingDir }).cwd).toBe(cwd);
  });
});

describe('privileges', () => {
  const of = (security: string): Pick<OciProcess, 'capabilities' | 'noNewPrivileges'> => {
    const { capabilities, noNewPrivileges } = configOf(`securityContext: ${security}`);
    return { capabilities, noNewPrivileges };
  };

  test('are none unless they are asked for', () => {
    expect(of('{}')).toEqual({ capabilities: [], noNewPrivileges: true });
    expect(of('{ capabilities: { add: [NET_RAW, CHOWN], drop: [ALL] } }').capabilities).toEqual([
      'CAP_CHOWN',
      'CAP_NET_RAW',
    ]);
    expect(of('{ allowPrivilegeEscalation: true }').noNewPrivileges).toBe(false);
  });

  test('are all of them with ALL, but those that are dropped', () => {
    const { capabilities } = of('{ capabilities: { add: [ALL], drop: [SYS_ADMIN] } }');
    expect(capabilities).toHaveLength(40);
    expect(capabilities).not.toContain('CAP_SYS_ADMIN');
  });

  test('are all of them for a privileged container', () => {
    const { capabilities, noNewPrivileges } = of('{ privileged: true, capabilities: { drop: [SYS_ADMIN] } }');
    expect([capabilities.length, new Set(capabilities).size, noNewPrivileges]).toEqual([41, 41, false]);
  });
});

test('the user and the groups are those that were resolved', () => {
  expect(processConfig(containerOf(), imageOf(), USER, 'web').user).toEqual({
    ...USER,
    umask: 0o022,
    additionalGids: [],
  });
});

describe('what no program can be started with is refused, without its value', () => {
  const check = (image: Partial<ImageConfig>): string => {
    try {
      checkProcess(containerOf(), configOf('', { entrypoint: ['/a'], ...image }));
      return 'accepted';
    } catch (error) {
      const { code, message } = error as { code: string; message: string };
      expect(message).not.toContain('s3cret');
      return `${code}: ${message}`;
    }
  };

  test.each<[Partial<ImageConfig>, string]>([
    [{ entrypoint: [] }, 'no-command: container app: neither the manifest nor image reg.test/app:1 names a command'],
    [{ cmd: ['s3cret\0'] }, 'nul-character: container app: its command contains'],
    [{ env: ['A=s3cret\0'] }, 'nul-character: container app: its environment contains'],
    [{ workingDir: '/s3cret\0' }, 'nul-character: container app: its working directory contains'],
    [{}, 'accepted'],
  ])('%j', (image, told) => {
    expect(check(image).slice(0, told.length)).toBe(told);
  });
});

describe('limits and groups', () => {
  test('are the manifest’s', () => {
    const [container] = podOf({
      metadata: 'annotations: { holdfast.dev/rlimits: "nofile=1:2" }',
      spec: 'securityContext: { supplementalGroups: [9] }',
    }).containers;
    const process = processConfig(container as Container, imageOf(), { ...USER, groups: [9, 4] }, 'web');
    expect(process.rlimits).toEqual([{ type: 'RLIMIT_NOFILE', soft: 1, hard: 2 }]);
    expect(process.user.additionalGids).toEqual([4, 9]);
  });
});
