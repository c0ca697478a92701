import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Plan } from '../../agent/reconcile/plan.ts';
import { condition, sampleFinding, sampleStatus } from '../fakes/fake-agent.ts';
import { deployment } from '../reconcile/manifests.ts';
import { type CommandLine, makeCommandLine, runBare } from './command-line.ts';

const PLAN: Plan = {
  revision: 'd'.repeat(40),
  steps: [
    {
      kind: 'pull-image',
      workload: 'default/web',
      reference: 'reg.test/app:2',
      digest: 'sha256:2',
      identity: 'sha256:i',
      reason: 'not on this node',
    },
    { kind: 'stop-pod', workload: 'default/web', pod: 'default_web_0_abc', graceMs: 1, reason: 'replaced' },
  ],
  unchanged: ['default/job'],
  blocked: [
    {
      workload: 'default/api',
      cause: 'policy',
      reason: 'denied by baseline/no-root',
      findings: [sampleFinding],
      failure: null,
    },
  ],
  waiting: [{ workload: 'default/web', reason: 'a little longer', until: null }],
};
const NOTHING: Plan = { ...PLAN, steps: [], blocked: [], waiting: [] };

let node: CommandLine;

beforeEach(async () => {
  node = await makeCommandLine();
});
afterEach(() => node.remove());

describe('debug', () => {
  test('asks the agent for a container, and says how to get into it', async () => {
    const asked: unknown[] = [];
    await node.serve({
      debug: async (request) => {
        asked.push(request);
        return { pod: 'default_web_0_abc', container: 'debug-1' };
      },
    });
    const options = ['--image', 'reg.test/tools:1', '--target', 'app', '--user', '1000:5', '--cap-add', 'SYS_PTRACE'];
    const { code, out } = await node.holdfast('debug', 'web', ...options, '--', 'sleep', '60');
    expect(code).toBe(0);
    expect(out).toContain('holdfast exec -it --container debug-1 default_web_0_abc -- sh\n');
    expect(asked).toEqual([
      {
        ...{ target: 'web', image: 'reg.test/tools:1', command: ['sleep', '60'], processesOf: 'app' },
        ...{ user: { uid: 1000, gid: 5 }, capabilities: ['SYS_PTRACE'] },
      },
    ]);
  });

  test('needs an image, and an agent', async () => {
    expect((await node.holdfast('debug', 'web')).code).toBe(2);
    expect((await node.holdfast('debug', 'web', '--image', 'a')).code).toBe(4);
  });

  test('says why it is denied', async () => {
    const denied = Object.assign(new Error('the policies deny it: no'), { code: 'denied' });
    await node.serve({ debug: () => Promise.reject(denied) });
    expect(await node.holdfast('debug', 'web', '--image', 'a')).toMatchObject({
      code: 1,
      err: expect.stringContaining('the policies deny it: no'),
    });
  });
});

describe('plan', () => {
  test('shows what comes next, with status 3', async () => {
    await node.serve({ plan: () => PLAN });
    const { code, out } = await node.holdfast('plan');
    expect(code).toBe(3);
    expect(out.split('\n')).toEqual([
      'revision dddddddddddd: 2 steps, 1 blocked, 1 unchanged',
      '  pull-image       reg.test/app:2  (not on this node)',
      '  stop-pod         default_web_0_abc  (replaced)',
      '  wait             default/web  (a little longer)',
      '  BLOCKED          default/api  (denied by baseline/no-root)',
      '    web.yaml:7:3: spec.containers[0]: baseline/no-root: runs as root',
      '',
    ]);
    expect(JSON.parse((await node.holdfast('plan', '--output', 'json')).out)).toEqual(PLAN);
  });

  test('has status 0 when nothing is to do, and 1 before the first revision', async () => {
    await node.serve({ plan: () => NOTHING });
    expect((await node.holdfast('plan')).code).toBe(0);
    await node.serve();
    const { code, out } = await node.holdfast('plan');
    expect([code, out]).toEqual([1, 'no-revision: the agent has not taken a revision yet; see holdfast status\n']);
  });

  test('needs the agent', async () => {
    expect((await node.holdfast('plan')).code).toBe(4);
  });

  test('of a folder asks the agent about every manifest in it', async () => {
    const asked: string[] = [];
    await node.serve({
      preview: async (files) => {
        asked.push(...files.map(({ path, text }) => `${path.split('/fleet/')[1]} ${text.length}`));
        return { ok: true, plan: NOTHING };
      },
    });
    await node.write('fleet/web.yaml', 'a');
    await node.write('fleet/deep/api.json', '{}');
    await node.write('fleet/deep/README.md', 'no manifest');
    await node.write('fleet/.git/config.yaml', 'no manifest');
    const path = join(node.directory, 'fleet');
    expect((await node.holdfast('plan', path)).code).toBe(0);
    expect(asked).toEqual(['deep/api.json 2', 'web.yaml 1']);
    expect((await node.holdfast('plan', join(path, 'web.yaml'), path)).code).toBe(0);
    expect(asked).toHaveLength(4);
  });

  test('of what would be refused says why, with status 1', async () => {
    const problems = [{ file: 'web.yaml', line: 2, column: 1, path: 'kind', message: 'is required' }];
    await node.serve({
      preview: async () => ({ ok: false, code: 'invalid-manifests', message: '1 problems', problems }),
    });
    const { code, out } = await node.holdfast('plan', await node.write('fleet/web.yaml', 'x'));
    expect([code, out]).toEqual([1, 'invalid-manifests: 1 problems\nweb.yaml:2:1: kind: is required\n']);
  });
});

describe('sync', () => {
  test('polls, and shows where that led', async () => {
    await node.serve({ sync: async () => sampleStatus({ conditions: [condition('Synced', 'False')] }) });
    const { code, out } = await node.holdfast('sync');
    expect(code).toBe(3);
    expect(out).toContain('node      node-1');
  });

  test('says why the source could not be asked', async () => {
    await node.serve({ sync: () => Promise.reject(Object.assign(new Error('no route'), { code: 'unreachable' })) });
    expect(await node.holdfast('sync')).toEqual({ code: 1, out: '', err: 'holdfast: no route\n' });
  });

  test('needs the agent', async () => {
    expect(await node.holdfast('sync')).toEqual({ code: 4, out: '', err: 'holdfast: the agent is not running\n' });
  });
});

describe('validate', () => {
  test('needs neither agent nor configuration', async () => {
    const path = await node.write('fleet/web.yaml', deployment());
    expect(await runBare('validate', path)).toEqual({ code: 0, out: '1 files, 1 workloads: valid\n', err: '' });
  });

  test('names every problem, with status 1', async () => {
    const path = await node.write('fleet/web.yaml', deployment().replace('replicas', 'replcas'));
    const { code, out } = await runBare('validate', path);
    expect(code).toBe(1);
    expect(out).toMatch(
      /web\.yaml:5:3: spec\.replcas: unknown field `replcas`, did you mean `replicas`\?\n1 problems\n$/,
    );
    expect(JSON.parse((await runBare('validate', path, '--output', 'json')).out)).toEqual(
      expect.objectContaining({ valid: false, problems: [expect.objectContaining({ line: 5, path: 'spec.replcas' })] }),
    );
  });

  test('refuses what a commit would be refused for', async () => {
    await node.write('fleet/README.md', 'no manifest');
    const folder = join(node.directory, 'fleet');
    expect(await runBare('validate', folder)).toEqual({
      code: 1,
      out: '0 files, 0 workloads: a commit without any workload is refused\n',
      err: '',
    });
    await node.write('fleet/latin.yaml', Buffer.from([0x61, 0xe4]));
    expect((await runBare('validate', folder)).err).toMatch(/latin\.yaml is not UTF-8 text/);
    await symlink('/dev/null', join(folder, 'aaa.yaml'));
    expect((await runBare('validate', folder)).err).toMatch(/aaa\.yaml is no regular file/);
  });

  test('says what cannot be read', async () => {
    const { code, err } = await runBare('validate', join(node.directory, 'none'));
    expect(code).toBe(1);
    expect(err).toMatch(/^holdfast: cannot read .*none \(ENOENT\)/);
  });
});

describe('logs', () => {
  const log = (pod: string, container: string, ...lines: readonly string[]): Promise<string> =>
    node.write(`logs/${pod}/${container}.log`, lines.map((line) => `${line}\n`).join(''));

  beforeEach(async () => {
    await log('default_web_0_abc', 'app', '2026-01-01T00:00:00.1Z stdout F one', '2026-01-01T00:00:00.2Z stderr F two');
  });

  test('of a workload, of its namespace and name, or of a pod', async () => {
    for (const target of ['web', 'default/web', 'default_web_0_abc']) {
      expect(await node.holdfast('logs', target)).toEqual({ code: 0, out: 'one\ntwo\n', err: '' });
    }
  });

  test('with times, the last lines only, and as JSON', async () => {
    expect((await node.holdfast('logs', 'web', '--tail', '1', '--timestamps')).out).toBe(
      '2026-01-01T00:00:00.2Z two\n',
    );
    expect((await node.holdfast('logs', 'web', '--tail', '0')).out).toBe('');
    expect((await node.holdfast('logs', 'web', '-n', '1', '-o', 'json')).out).toBe(
      '{"time":"2026-01-01T00:00:00.2Z","stream":"stderr","text":"two"}\n',
    );
  });

  test('of a part of the time, all of it unless told otherwise', async () => {
    const lines = Array.from(
      { length: 150 },
      (_, second) => `${new Date(Date.UTC(2026, 0, 2, 0, 0, second)).toISOString()} stdout F ${second}`,
    );
    await log('default_web_0_abc', 'app', ...lines);
    const out = async (...options: readonly string[]): Promise<readonly string[]> =>
      (await node.holdfast('logs', 'web', ...options)).out.split('\n').slice(0, -1);
    expect(await out()).toHaveLength(100);
    expect(await out('--since', '2026-01-02T00:00:10Z')).toHaveLength(140);
    expect(await out('--since', '2026-01-02T00:00:10Z', '--until', '2026-01-02T01:00:12+01:00')).toEqual([
      '10',
      '11',
      '12',
    ]);
    expect(await out('--until', '2026-01-02T00:00:12Z', '--tail', '2')).toEqual(['11', '12']);
    expect(await out('--since', '1h30m')).toEqual([]);
    expect(await out('--since', '36500d')).toHaveLength(150);
    expect((await node.holdfast('logs', 'web', '--since', 'soon')).code).toBe(2);
    expect((await node.holdfast('logs', 'web', '--follow', '--until', '1m')).code).toBe(2);
  });

  test('of several containers say whose line it is', async () => {
    await log('default_web_1_abc', 'app', '2026-01-01T00:00:00.3Z stdout F three');
    await log('default_web_1_abc', 'proxy', '2026-01-01T00:00:00.3Z stdout F four');
    expect((await node.holdfast('logs', 'web')).out).toBe(
      '[default_web_0_abc/app] one\n[default_web_0_abc/app] two\n[default_web_1_abc/app] three\n[default_web_1_abc/proxy] four\n',
    );
    expect((await node.holdfast('logs', 'web', 'proxy')).out).toBe('four\n');
  });

  test.each(['we', 'webb', 'shop/web', '..', '../logs/default_web_0_abc', 'default_web_0'])(
    'of %s are none',
    async (target) => {
      const { code, out, err } = await node.holdfast('logs', target);
      expect([code, out]).toEqual([1, '']);
      expect(err).toContain(`nothing is logged for ${target}; see holdfast ps`);
    },
  );

  test('of a container that has none', async () => {
    expect((await node.holdfast('logs', 'web', 'proxy')).err).toContain('nothing is logged for web, container proxy');
  });
});
