import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type ContainerStage, openContainerStage } from '../../native/container-stage.ts';

/** More than systemd gives a service, and as much as the kernel gives anybody. */
const MOST_FILES = 1_048_576;

let stage: ContainerStage;

beforeEach(async () => {
  stage = await openContainerStage();
  await stage.sandbox();
});

afterEach(() => stage.close());

describe('a node with CAP_SYS_RESOURCE', () => {
  test('gives a container what it does not have itself, and has nothing to tell of it', async () => {
    const { stdout } = await stage.run('cat /proc/self/oom_score_adj; ulimit -Hn; ulimit -Sn', {
      process: {
        oomScoreAdj: -500,
        rlimits: [{ type: 'RLIMIT_NOFILE', soft: MOST_FILES, hard: MOST_FILES }],
      },
    });
    expect(stdout).toEqual(['-500', String(MOST_FILES), String(MOST_FILES)]);
    const record = await readFile(join(stage.runDir, 'sandboxes/pod/containers/app.json'), 'utf8');
    expect(JSON.parse(record)).toMatchObject({ clamped: [] });
  });
});
