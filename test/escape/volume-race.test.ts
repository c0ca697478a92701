import { lstat, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { OciMount } from '../../native/index.ts';
import { readLog, untilSome } from '../native/container-stage.ts';
import { buildProgram, type EscapeStage, openEscapeStage } from './escape-stage.ts';

const ROUNDS = 40;

let stage: EscapeStage;

beforeEach(async () => {
  stage = await openEscapeStage();
  await buildProgram(join(stage.layer, 'bin/swap-links'), 'swap-links.c');
});

afterEach(() => stage.close());

/** CVE-2021-30465, CVE-2024-45310: what a path means changes between the moment it is looked at and the mount on it. */
test.each(['root', 'node root'] as const)(
  'links of %s that change in a shared volume while a container starts lead nowhere',
  async (attacker) => {
    const volume = join(stage.directory, 'volume');
    const outside = join(stage.directory, 'outside');
    await mkdir(join(volume, 'target'), { recursive: true });
    await mkdir(outside);
    await symlink(`../../../../../../../..${outside}`, join(volume, 'link'));
    const shared: OciMount = { destination: '/volume', type: 'bind', source: volume, options: ['rw', 'idmap'] };
    const nested: OciMount = { destination: '/volume/target/made', type: 'tmpfs', source: '', options: ['nosuid'] };
    await stage.openPod(attacker);

    const swapper = withMounts(attacker, 'cd /volume && exec swap-links target link', [shared]);
    await stage.backend.startContainer(swapper);
    await untilSome(async () => (await readLog(swapper, 'stdout')).includes('swapping'));

    const outcomes = new Set<string>();
    const seenByNode = new Set<boolean>();
    for (let round = 0; round < ROUNDS; round += 1) {
      for (let look = 0; look < 10; look += 1) seenByNode.add((await lstat(join(volume, 'target'))).isSymbolicLink());
      const victim = withMounts(attacker, 'true', [shared, nested], '/volume/target');
      outcomes.add(
        await stage.backend.startContainer(victim).then(
          () => 'started',
          (error) => error.errno,
        ),
      );
      await stage.backend.removeContainer(victim);
      expect(await readdir(outside)).toEqual([]);
    }
    // Both states were there to be met, and neither was the way out.
    expect(seenByNode).toEqual(new Set([true, false]));
    expect([...outcomes].filter((outcome) => !['started', 'ENOENT', 'EAGAIN', 'ELOOP'].includes(outcome))).toEqual([]);
    expect(outcomes).toContain('started');
    expect(outcomes).toContain('ENOENT');
    expect(await readFile('/proc/self/mountinfo', 'utf8')).not.toContain(stage.directory);
    expect((await stage.observed(swapper.name)).state).toBe('running');
  },
);

function withMounts(
  attacker: 'root' | 'node root',
  script: string,
  mounts: readonly OciMount[],
  cwd = '/',
): ReturnType<EscapeStage['attackSpec']> {
  const spec = stage.attackSpec(attacker, script, { process: { cwd } });
  return { ...spec, config: { ...spec.config, mounts } };
}

/** The same of a path below a volume, which is what is mounted. */
test.each(['root', 'node root'] as const)(
  'a subPath through links of %s that change while a container starts leads nowhere',
  async (attacker) => {
    const volume = join(stage.directory, 'volume');
    const outside = join(stage.directory, 'outside');
    await mkdir(join(volume, 'target'), { recursive: true });
    await mkdir(outside);
    await writeFile(join(outside, 'secret'), 'of the node');
    await symlink(`../../../../../../../..${outside}`, join(volume, 'link'));
    const shared: OciMount = { destination: '/volume', type: 'bind', source: volume, options: ['rw', 'idmap'] };
    await stage.openPod(attacker);
    const swapper = withMounts(attacker, 'cd /volume && exec swap-links target link', [shared]);
    await stage.backend.startContainer(swapper);
    await untilSome(async () => (await readLog(swapper, 'stdout')).includes('swapping'));

    const outcomes = new Set<string>();
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const subPath of ['target', 'target/made']) {
        const mount: OciMount = { ...shared, destination: '/sub', subPath, options: ['rw', 'idmap', 'make-path'] };
        const victim = withMounts(attacker, 'cat /sub/secret; echo x > /sub/written', [mount]);
        const outcome = await stage.backend.startContainer(victim).then(
          () => 'started',
          (error) => error.errno,
        );
        outcomes.add(outcome);
        if (outcome === 'started') {
          await stage.exited(victim.name);
          expect((await readLog(victim, 'stdout')).join()).not.toContain('of the node');
        }
        await stage.backend.removeContainer(victim);
        expect(await readdir(outside)).toEqual(['secret']);
      }
    }
    expect([...outcomes].filter((outcome) => !['started', 'EXDEV', 'EAGAIN', 'ENOENT'].includes(outcome))).toEqual([]);
    expect(outcomes).toContain('started');
    expect(outcomes).toContain('EXDEV');
  },
);
