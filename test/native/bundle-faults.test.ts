import { lchownSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { BundleStage, Config } from '../runtime/bundle-stage.ts';
import { type BundleFaultStage, openBundleFaultStage } from './faults/bundle-fault-stage.ts';
import { errnoNames, problemsWithEach } from './faults/judge.ts';

let stage: BundleFaultStage;

afterEach(() => stage.close());

const IDS = [{ containerID: 0, hostID: 300_000, size: 2_000 }];

/** Users of its own, every namespace, each kind of mount, a hook inside. */
function withEverything(config: Config, { directory, rootfs }: BundleStage): void {
  mkdirSync(join(rootfs, 'own/sub'), { recursive: true });
  writeFileSync(join(rootfs, 'own/file'), 'text');
  symlinkSync('file', join(rootfs, 'own/link'));
  for (const name of ['own', 'own/sub', 'own/file', 'own/link']) lchownSync(join(rootfs, name), 300_000, 300_000);
  config.process.user = { uid: 1000, gid: 1000, umask: 0o27, additionalGids: [7] };
  config.process.oomScoreAdj = 500;
  config.linux.namespaces.push({ type: 'user' }, { type: 'cgroup' }, { type: 'time' });
  config.linux.uidMappings = IDS;
  config.linux.gidMappings = IDS;
  config.linux.timeOffsets = { boottime: { secs: 100 } };
  config.linux.sysctl = { 'kernel.shmmni': '100' };
  config.mounts.push({ destination: '/own', type: 'tmpfs', source: 'tmpfs', options: ['tmpcopyup', 'size=64k'] });
  config.mounts.push({
    destination: '/dev/bound',
    type: 'bind',
    source: directory,
    options: ['rbind', 'ro', 'rslave'],
  });
}

/** A container of the node's users makes its devices itself. */
function withDevices(config: Config): void {
  config.domainname = 'example';
  config.process.noNewPrivileges = false;
  config.linux.devices = [{ type: 'c', path: '/dev/own', major: 1, minor: 3, fileMode: 0o600, uid: 1, gid: 1 }];
}

function withHook(config: Config): void {
  config.hooks = { startContainer: [{ path: '/bin/busybox', args: ['busybox', 'true'] }] };
}

const CASES = [
  { kind: 'create', bundle: withEverything, names: /./, atLeast: 150 },
  // The others are those of the bundle above.
  { kind: 'create', bundle: withDevices, names: /^(mknod|fch|unlink|set|capset|seccomp)/, atLeast: 20 },
  { kind: 'exec', bundle: withEverything, names: /./, atLeast: 60 },
  { kind: 'hook', bundle: withHook, names: /./, atLeast: 20 },
] as const;

describe.each(errnoNames)('a system call of the shim that fails once with %s', (errnoName) => {
  test.each(CASES)(
    'in $kind of a bundle $bundle.name is told by name or does no harm, hangs nowhere and leaves nothing',
    async ({ kind, bundle, names, atLeast }) => {
      stage = await openBundleFaultStage(bundle);
      const { calls, problems } = await problemsWithEach(stage[kind], errnoName, names);
      expect(problems).toEqual([]);
      expect(calls).toBeGreaterThan(atLeast);
    },
    300_000,
  );
});
