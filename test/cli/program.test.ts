import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type ApiServer, serveApi } from '../../agent/api/server.ts';
import { runCli } from '../../agent/cli/program.ts';
import type { Agent } from '../../agent/loop/agent.ts';
import type { Plan } from '../../agent/reconcile/plan.ts';
import { openStateFiles } from '../../agent/state/state-files.ts';
import { version } from '../../agent/version.ts';
import { condition, fakeAgent, sampleStatus } from '../fakes/fake-agent.ts';
import { deployment } from '../reconcile/manifests.ts';
import { makeTempDir, type TempDir } from '../world/temp-dir.ts';

interface Result {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

const FINDING = {
  policy: 'baseline',
  rule: 'no-root',
  severity: 'deny',
  message: 'runs as root',
  path: 'spec.containers[0]',
  file: 'web.yaml',
  line: 7,
  column: 3,
} as const;

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
      findings: [FINDING],
      failure: null,
    },
  ],
  waiting: [{ workload: 'default/web', reason: 'a little longer', until: null }],
};
const NOTHING: Plan = { ...PLAN, steps: [], blocked: [], waiting: [] };

let directory: TempDir;
let api: ApiServer | undefined;

beforeEach(async () => {
  directory = await makeTempDir();
  await writeFile(
    join(directory.path, 'agent.yaml'),
    JSON.stringify({
      apiVersion: 'holdfast.dev/v1alpha1',
      kind: 'AgentConfig',
      source: { url: 'file:///nowhere', signers: { ssh: '/nowhere' } },
      paths: {
        state: join(directory.path, 'state'),
        run: join(directory.path, 'run'),
        logs: join(directory.path, 'logs'),
      },
    }),
  );
});
afterEach(async () => {
  await api?.close();
  api = undefined;
  await directory.remove();
});

const serve = async (answers: Partial<Agent> = {}): Promise<void> => {
  api = await serveApi(join(directory.path, 'run', 'agent.sock'));
  api.serve(fakeAgent(answers));
};
const bare = async (...args: readonly string[]): Promise<Result> => {
  const result = { out: '', err: '' };
  const code = await runCli(args, {
    write: (text) => {
      result.out += text;
    },
    error: (text) => {
      result.err += text;
    },
  });
  return { code, ...result };
};
const holdfast = (...args: readonly string[]): Promise<Result> =>
  bare('--config', join(directory.path, 'agent.yaml'), ...args);
const write = async (name: string, text: string): Promise<string> => {
  const path = join(directory.path, 'fleet', name);
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, text);
  return path;
};

describe('the command line', () => {
  test('lists every verb and the exit status', async () => {
    const { code, out } = await bare('--help');
    expect(code).toBe(0);
    for (const verb of ['agent', 'status', 'plan', 'ps', 'logs', 'sync', 'validate', 'version'])
      expect(out).toContain(`  ${verb}`);
    expect(out).toContain('Exit status: 0');
  });

  test.each(['agent', 'status', 'plan', 'ps', 'logs', 'sync', 'validate', 'version'])('explains %s', async (verb) => {
    const { code, out, err } = await bare(verb, '--help');
    expect([code, err]).toEqual([0, '']);
    expect(out).toContain(`Usage: holdfast ${verb}`);
  });

  test.each([
    [['stats'], "unknown command 'stats'"],
    [['status', '--verbose'], "unknown option '--verbose'"],
    [['status', 'web'], 'too many arguments'],
    [['logs'], "missing required argument 'target'"],
    [['logs', 'web', '--tail', 'x'], "argument 'x' is invalid. Give a whole number."],
    [['logs', 'web', '--tail', '-1'], "argument '-1' is invalid. Give a whole number."],
    [['validate'], "missing required argument 'path'"],
    [['--output', 'xml', 'version'], 'Allowed choices are text, json'],
    [['--config'], "option '-c, --config <file>' argument missing"],
  ])('%j is told to be wrong, with status 2', async (args, message) => {
    const { code, out, err } = await bare(...args);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain(message);
    expect(err).toContain('holdfast --help lists the verbs');
  });

  test('without a verb shows the help, with status 2', async () => {
    const { code, err } = await bare();
    expect(code).toBe(2);
    expect(err).toContain('Usage: holdfast');
  });

  test('tells its version', async () => {
    expect(await bare('version')).toEqual({ code: 0, out: `holdfast ${version}\n`, err: '' });
    expect(JSON.parse((await bare('version', '--output', 'json')).out)).toEqual({ version });
    expect(JSON.parse((await bare('-o', 'json', 'version')).out)).toEqual({ version });
  });

  test.each(['agent', 'status', 'plan', 'ps', 'sync'])('%s needs its configuration', async (verb) => {
    const { code, err } = await bare('--config', join(directory.path, 'none.yaml'), verb);
    expect(code).toBe(1);
    expect(err).toMatch(/^holdfast: .*none\.yaml:1:1: cannot read the configuration \(ENOENT\)/);
  });
});

describe('status', () => {
  test('shows the node, with status 0 when it is as Git says', async () => {
    await serve();
    const { code, out, err } = await holdfast('status');
    expect([code, err]).toEqual([0, '']);
    expect(out).toContain('revision  cccccccccccc signed by ops@example.org\n');
    expect(out).toMatch(/^default\/web {2}Deployment {2}1\/1 {4}Ready {2}Running {2}1 of 1 pods run$/m);
  });

  test('shows what was refused and denied, with file and line, and status 3', async () => {
    const [workload] = sampleStatus().workloads;
    if (workload === undefined) throw new Error('no workload');
    const problem = { file: 'web.yaml', line: 4, column: 1, path: 'spec.x', message: 'unknown field' };
    await serve({
      status: () =>
        sampleStatus({
          revision: null,
          refused: { commit: 'e'.repeat(40), code: 'invalid-manifests', message: '1 problems', problems: [problem] },
          conditions: [condition('Synced', 'False')],
          workloads: [{ ...workload, findings: [FINDING] }],
        }),
    });
    const { code, out } = await holdfast('status');
    expect(code).toBe(3);
    expect(out).toContain('revision  none yet\n');
    expect(out).toContain(
      'REFUSED   eeeeeeeeeeee invalid-manifests: 1 problems\n  web.yaml:4:1: spec.x: unknown field\n',
    );
    expect(out).toContain('DENY  default/web  baseline/no-root\n  web.yaml:7:3: spec.containers[0]: runs as root\n');
  });

  test('as JSON is the whole status', async () => {
    await serve();
    expect(JSON.parse((await holdfast('status', '--output', 'json')).out)).toEqual(sampleStatus());
  });

  test('lets nobody command the terminal', async () => {
    const [workload] = sampleStatus().workloads;
    if (workload === undefined) throw new Error('no workload');
    await serve({ status: () => sampleStatus({ workloads: [{ ...workload, message: 'a\u001b[2Jb\r\nc\u009b' }] }) });
    const { out } = await holdfast('status');
    expect(out).toContain('a [2Jb c');
    expect(out).not.toMatch(/(?!\n)\p{Cc}/u);
  });

  test('is the last one known when the agent is down', async () => {
    await openStateFiles(join(directory.path, 'state')).writeStatus(sampleStatus({ node: 'left' }));
    const { code, out, err } = await holdfast('status');
    expect([code, err]).toEqual([0, 'holdfast: the agent is not running; this is the status it left\n']);
    expect(out).toContain('node      left');
  });

  test('is none, with status 4, when the agent never ran', async () => {
    expect(await holdfast('status')).toEqual({ code: 4, out: '', err: 'holdfast: the agent is not running\n' });
  });

  test('is an error while the agent starts', async () => {
    api = await serveApi(join(directory.path, 'run', 'agent.sock'));
    const { code, err } = await holdfast('status');
    expect([code, err]).toEqual([1, 'holdfast: the agent starts or ends; try again soon\n']);
  });
});

describe('ps', () => {
  test('lists the containers', async () => {
    await serve();
    const { code, out } = await holdfast('ps');
    expect(code).toBe(0);
    expect(out).toMatch(/^POD +CONTAINER +STATE +PID +RESTARTS +AGE +IMAGE\n/);
    expect(out).toMatch(/^default_web_0_abc +app +Running +4711 +2 +\d+d +reg\.test\/app:1$/m);
  });

  test.each([
    [{ code: 3, signal: null, oomKilled: false, lost: false, finishedAt: 1 }, 'Exited(3)'],
    [{ code: null, signal: 'SIGTERM', oomKilled: false, lost: false, finishedAt: 1 }, 'Killed(SIGTERM)'],
    [{ code: null, signal: 'SIGKILL', oomKilled: true, lost: false, finishedAt: 1 }, 'OOMKilled'],
    [{ code: null, signal: null, oomKilled: false, lost: true, finishedAt: 1 }, 'Lost'],
  ])('says how one ended: %j', async (exit, state) => {
    const status = JSON.parse(JSON.stringify(sampleStatus()));
    Object.assign(status.workloads[0].pods[0].containers[0], { state: 'Terminated', pid: null, exit });
    await serve({ status: () => status });
    expect((await holdfast('ps')).out).toMatch(new RegExp(` ${state.replaceAll(/[()]/g, '\\$&')} +- +2 `));
  });
});

describe('plan', () => {
  test('shows what comes next, with status 3', async () => {
    await serve({ plan: () => PLAN });
    const { code, out } = await holdfast('plan');
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
    expect(JSON.parse((await holdfast('plan', '--output', 'json')).out)).toEqual(PLAN);
  });

  test('has status 0 when nothing is to do, and 1 before the first revision', async () => {
    await serve({ plan: () => NOTHING });
    expect((await holdfast('plan')).code).toBe(0);
    api?.serve(fakeAgent());
    const { code, out } = await holdfast('plan');
    expect([code, out]).toEqual([1, 'no-revision: the agent has not taken a revision yet; see holdfast status\n']);
  });

  test('needs the agent', async () => {
    expect((await holdfast('plan')).code).toBe(4);
  });

  test('of a folder asks the agent about every manifest in it', async () => {
    const asked: string[] = [];
    await serve({
      preview: async (files) => {
        asked.push(...files.map(({ path, text }) => `${path.split('/fleet/')[1]} ${text.length}`));
        return { ok: true, plan: NOTHING };
      },
    });
    await write('web.yaml', 'a');
    await write('deep/api.json', '{}');
    await write('deep/README.md', 'no manifest');
    await write('.git/config.yaml', 'no manifest');
    const path = join(directory.path, 'fleet');
    expect((await holdfast('plan', path)).code).toBe(0);
    expect(asked).toEqual(['deep/api.json 2', 'web.yaml 1']);
    expect((await holdfast('plan', join(path, 'web.yaml'), path)).code).toBe(0);
    expect(asked).toHaveLength(4);
  });

  test('of what would be refused says why, with status 1', async () => {
    const problems = [{ file: 'web.yaml', line: 2, column: 1, path: 'kind', message: 'is required' }];
    await serve({ preview: async () => ({ ok: false, code: 'invalid-manifests', message: '1 problems', problems }) });
    const { code, out } = await holdfast('plan', await write('web.yaml', 'x'));
    expect([code, out]).toEqual([1, 'invalid-manifests: 1 problems\nweb.yaml:2:1: kind: is required\n']);
  });
});

describe('sync', () => {
  test('polls, and shows where that led', async () => {
    await serve({ sync: async () => sampleStatus({ conditions: [condition('Synced', 'False')] }) });
    const { code, out } = await holdfast('sync');
    expect(code).toBe(3);
    expect(out).toContain('node      node-1');
  });

  test('says why the source could not be asked', async () => {
    await serve({ sync: () => Promise.reject(Object.assign(new Error('no route'), { code: 'unreachable' })) });
    expect(await holdfast('sync')).toEqual({ code: 1, out: '', err: 'holdfast: no route\n' });
  });

  test('needs the agent', async () => {
    expect(await holdfast('sync')).toEqual({ code: 4, out: '', err: 'holdfast: the agent is not running\n' });
  });
});

describe('validate', () => {
  test('needs neither agent nor configuration', async () => {
    const path = await write('web.yaml', deployment());
    expect(await bare('validate', path)).toEqual({ code: 0, out: '1 files, 1 workloads: valid\n', err: '' });
  });

  test('names every problem, with status 1', async () => {
    const path = await write('web.yaml', deployment().replace('replicas', 'replcas'));
    const { code, out } = await bare('validate', path);
    expect(code).toBe(1);
    expect(out).toMatch(
      /web\.yaml:5:3: spec\.replcas: unknown field `replcas`, did you mean `replicas`\?\n1 problems\n$/,
    );
    expect(JSON.parse((await bare('validate', path, '--output', 'json')).out)).toEqual(
      expect.objectContaining({ valid: false, problems: [expect.objectContaining({ line: 5, path: 'spec.replcas' })] }),
    );
  });

  test('refuses what a commit would be refused for', async () => {
    await write('README.md', 'no manifest');
    const folder = join(directory.path, 'fleet');
    expect(await bare('validate', folder)).toEqual({
      code: 1,
      out: '0 files, 0 workloads: a commit without any workload is refused\n',
      err: '',
    });
    await writeFile(join(folder, 'latin.yaml'), Buffer.from([0x61, 0xe4]));
    expect((await bare('validate', folder)).err).toMatch(/latin\.yaml is not UTF-8 text/);
    await symlink('/dev/null', join(folder, 'aaa.yaml'));
    expect((await bare('validate', folder)).err).toMatch(/aaa\.yaml is no regular file/);
  });

  test('says what cannot be read', async () => {
    const { code, err } = await bare('validate', join(directory.path, 'none'));
    expect(code).toBe(1);
    expect(err).toMatch(/^holdfast: cannot read .*none \(ENOENT\)/);
  });
});

describe('logs', () => {
  const log = async (pod: string, container: string, ...lines: readonly string[]): Promise<void> => {
    await mkdir(join(directory.path, 'logs', pod), { recursive: true });
    await writeFile(join(directory.path, 'logs', pod, `${container}.log`), lines.map((line) => `${line}\n`).join(''));
  };

  beforeEach(async () => {
    await log('default_web_0_abc', 'app', '2026-01-01T00:00:00.1Z stdout F one', '2026-01-01T00:00:00.2Z stderr F two');
  });

  test('of a workload, of its namespace and name, or of a pod', async () => {
    for (const target of ['web', 'default/web', 'default_web_0_abc']) {
      expect(await holdfast('logs', target)).toEqual({ code: 0, out: 'one\ntwo\n', err: '' });
    }
  });

  test('with times, the last lines only, and as JSON', async () => {
    expect((await holdfast('logs', 'web', '--tail', '1', '--timestamps')).out).toBe('2026-01-01T00:00:00.2Z two\n');
    expect((await holdfast('logs', 'web', '--tail', '0')).out).toBe('');
    expect((await holdfast('logs', 'web', '-n', '1', '-o', 'json')).out).toBe(
      '{"time":"2026-01-01T00:00:00.2Z","stream":"stderr","text":"two"}\n',
    );
  });

  test('of several containers say whose line it is', async () => {
    await log('default_web_1_abc', 'app', '2026-01-01T00:00:00.3Z stdout F three');
    await log('default_web_1_abc', 'proxy', '2026-01-01T00:00:00.3Z stdout F four');
    expect((await holdfast('logs', 'web')).out).toBe(
      '[default_web_0_abc/app] one\n[default_web_0_abc/app] two\n[default_web_1_abc/app] three\n[default_web_1_abc/proxy] four\n',
    );
    expect((await holdfast('logs', 'web', 'proxy')).out).toBe('four\n');
  });

  test.each(['we', 'webb', 'shop/web', '..', '../logs/default_web_0_abc', 'default_web_0'])(
    'of %s are none',
    async (target) => {
      const { code, out, err } = await holdfast('logs', target);
      expect([code, out]).toEqual([1, '']);
      expect(err).toContain(`nothing is logged for ${target}; see holdfast ps`);
    },
  );

  test('of a container that has none', async () => {
    expect((await holdfast('logs', 'web', 'proxy')).err).toContain('nothing is logged for web, container proxy');
  });
});
