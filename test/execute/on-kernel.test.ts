import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { containerConfig } from '../../agent/execute/container-config.ts';
import { resolveUser } from '../../agent/execute/image-user.ts';
import { podNamespaces } from '../../agent/execute/pod-namespaces.ts';
import { createSeccompProfiles } from '../../agent/execute/seccomp-profiles.ts';
import type { Container } from '../../manifests/index.ts';
import { type ContainerStage, openContainerStage, type Run } from '../native/container-stage.ts';
import { imageOf, podOf } from './containers.ts';

let stage: ContainerStage;

beforeEach(async () => {
  stage = await openContainerStage();
});
afterEach(() => stage.close());

const FILES: Readonly<Record<string, string>> = {
  'etc/passwd': 'app:x:1000:1001::/:\n',
  'etc/group': 'staff:x:50:app\n',
};

/** Runs a script in the container of a manifest, as the agent lowers it. */
async function runManifest(texts: Parameters<typeof podOf>[0], script: string): Promise<Run> {
  const pod = podOf(texts);
  const [container] = pod.containers as readonly [Container];
  const profiles = createSeccompProfiles(join(stage.directory, 'seccomp'));
  const user = await resolveUser(container, '', async (path) => FILES[path] ?? null);
  const ground = { seccomp: (await profiles.of(container))?.seccomp ?? null, memoryBytes: 2 ** 33 };
  const image = imageOf({ entrypoint: ['sh', '-c', script], env: ['PATH=/bin'] });
  await stage.sandbox({ users: pod.hostUsers ? 'host' : 'private', ...podNamespaces(pod) });
  const { process, linux } = containerConfig(pod, container, image, user, { volumes: {}, files: {} }, ground);
  return stage.run(script, { process, linux });
}

const SETS = ['Inh', 'Prm', 'Eff', 'Bnd', 'Amb'];
const CAPS = 'grep "^Cap" /proc/self/status';
const capSets = (bits: readonly number[]): readonly string[] =>
  SETS.map((set, index) => `Cap${set}:\t${(bits[index] ?? 0).toString(16).padStart(16, '0')}`);

describe('what a manifest says, the kernel has', () => {
  test.each<[string, string, readonly number[]]>([
    ['nothing', '{}', [0, 0, 0, 0, 0]],
    ['nothing, as another user', '{ runAsUser: 1000 }', [0, 0, 0, 0, 0]],
    ['all dropped', '{ capabilities: { drop: [ALL] } }', [0, 0, 0, 0, 0]],
    ['what is added, none of it inheritable', '{ capabilities: { add: [CHOWN, KILL] } }', [0, 0x21, 0x21, 0x21, 0]],
    [
      'what is added, kept by another user over execve',
      '{ runAsUser: 1000, capabilities: { add: [CHOWN, KILL] } }',
      [0x21, 0x21, 0x21, 0x21, 0x21],
    ],
    ['what is added and not dropped', '{ capabilities: { add: [CHOWN, KILL], drop: [KILL] } }', [0, 1, 1, 1, 0]],
    ['what is added though all is dropped', '{ capabilities: { add: [CHOWN], drop: [ALL] } }', [0, 1, 1, 1, 0]],
    ['nothing of all that is dropped', '{ capabilities: { add: [ALL], drop: [ALL] } }', [0, 0, 0, 0, 0]],
  ])('of capabilities: %s (CVE-2022-24769)', async (_, security, bits) => {
    const { stdout } = await runManifest({ container: `securityContext: ${security}` }, CAPS);
    expect(stdout).toEqual(capSets(bits));
  });

  test('of capabilities, in a program run later too', async () => {
    await runManifest({ container: 'securityContext: { capabilities: { add: [CHOWN] } }' }, 'true');
    const spec = stage.spec('sleep 1000', { name: 'later', process: { capabilities: ['CAP_CHOWN'] } });
    await stage.backend.startContainer(spec);
    const session = await stage.backend.execContainer(spec, { args: ['sh', '-c', CAPS] });
    const text = (await session.stdout.toArray()).join('');
    expect(text.trimEnd().split('\n')).toEqual(capSets([0, 1, 1, 1, 0]));
  });

  test('of limits, scores, groups and the mask of new files', async () => {
    const { stdout } = await runManifest(
      {
        metadata: 'annotations: { holdfast.dev/rlimits: "nofile=100:200, core=0" }',
        spec: 'securityContext: { supplementalGroups: [7], supplementalGroupsPolicy: Merge }',
        container: 'securityContext: { runAsUser: 1000, runAsGroup: 1001 }\nresources: { requests: { memory: 1Gi } }',
      },
      'grep -E "open files|core file" /proc/self/limits; cat /proc/self/oom_score_adj; id -G; umask',
    );
    expect(stdout.map((line) => line.trim().replaceAll(/\s+/g, ' '))).toEqual([
      'Max core file size 0 0 bytes',
      'Max open files 100 200 files',
      '875',
      '1001 7 50',
      '0022',
    ]);
  });

  test('of a score the node may not grant: it is told, and the container runs', async () => {
    const { exit } = await runManifest({ container: 'resources: { limits: { cpu: 1, memory: 64Mi } }' }, 'true');
    expect(exit.code).toBe(0);
    const { clamped } = await stage.observed();
    expect([[], ['oomScoreAdj']]).toContainEqual(clamped);
  });

  test('of namespaces and parameters', async () => {
    const { stdout } = await runManifest(
      {
        spec: 'shareProcessNamespace: true\nsecurityContext: { sysctls: [{ name: net.ipv4.ip_default_ttl, value: "33" }, { name: kernel.shmmni, value: "99" }] }',
      },
      'cat /proc/1/comm /proc/sys/net/ipv4/ip_default_ttl /proc/sys/kernel/shmmni',
    );
    expect(stdout).toEqual(['holdfast-pod', '33', '99']);
  });

  test('of a profile of the node', async () => {
    const profile = {
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 95 }],
    };
    await mkdir(join(stage.directory, 'seccomp'), { mode: 0o700 });
    await writeFile(join(stage.directory, 'seccomp/web.json'), JSON.stringify(profile), { mode: 0o600 });
    const { stdout, stderr } = await runManifest(
      { container: 'securityContext: { seccompProfile: { type: Localhost, localhostProfile: web.json } }' },
      'grep "^Seccomp:" /proc/self/status; mkdir /x',
    );
    expect(stdout).toEqual(['Seccomp:\t2']);
    expect(stderr.join()).toContain('not supported');
  });

  test.each([
    ['masked', '', '0'],
    ['shown', 'securityContext: { procMount: Unmasked }', '1'],
  ])('of /proc, %s', async (_, container, shown) => {
    const { stdout } = await runManifest({ container }, 'mount | grep -c " /proc/sys " ; head -c 1 /proc/keys | wc -c');
    expect(stdout).toEqual([shown === '1' ? '0' : '1', shown]);
  });
});
