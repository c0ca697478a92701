import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { version } from '../../agent/version.ts';
import { webManifest } from '../demo/manifests.ts';
import { type Fleet, holds, startFleet } from '../world/fleet.ts';
import type { Program } from '../world/program.ts';
import { buildRelease } from '../world/release.ts';

const EXAMPLES = join(import.meta.dirname, '../../manifests/examples');

let program: string;

beforeAll(async () => {
  program = await buildRelease();
});

describe('the built command line', () => {
  const holdfast = async (...args: readonly string[]): Promise<string> => {
    const { stdout } = await promisify(execFile)(process.execPath, [program, ...args]);
    return stdout;
  };

  test('knows its version', async () => {
    expect(await holdfast('version')).toBe(`holdfast ${version}\n`);
  });

  test('validates manifests', async () => {
    expect(JSON.parse(await holdfast('--output', 'json', 'validate', EXAMPLES))).toMatchObject({
      valid: true,
      problems: [],
    });
  });
});

describe('the built agent', () => {
  let fleet: Fleet;
  let agent: Program | undefined;

  beforeAll(async () => {
    fleet = await startFleet();
  });

  afterAll(async () => {
    await agent?.stop();
    await fleet?.stop();
  });

  test('converges, judged by the policies and heard by the receiver', async () => {
    const { reference } = await fleet.publish('v1');
    await fleet.author.commit({ files: { 'web.yaml': webManifest({ image: reference }) }, message: 'web' });
    agent = await fleet.startAgent(program);
    const { workloads } = await fleet.until('web runs', (status) => holds(status, 'Synced'));
    expect(workloads).toMatchObject([{ key: 'default/web', state: 'Ready', ready: 2, findings: [] }]);
    await fleet.collector.waitFor(({ spans }) => spans.some(({ name }) => name === 'holdfast.policy.evaluate'));
  }, 120_000);
});
