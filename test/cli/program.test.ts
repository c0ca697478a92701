import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { openStateFiles } from '../../agent/state/state-files.ts';
import { version } from '../../agent/version.ts';
import { condition, sampleFinding, sampleStatus } from '../fakes/fake-agent.ts';
import { type CommandLine, makeCommandLine, runBare } from './command-line.ts';

let node: CommandLine;

beforeEach(async () => {
  node = await makeCommandLine();
});
afterEach(() => node.remove());

describe('the command line', () => {
  test('lists every verb and the exit status', async () => {
    const { code, out } = await runBare('--help');
    expect(code).toBe(0);
    for (const verb of ['agent', 'status', 'plan', 'ps', 'logs', 'sync', 'validate', 'version'])
      expect(out).toContain(`  ${verb}`);
    expect(out).toContain('Exit status: 0');
  });

  test.each(['agent', 'status', 'plan', 'ps', 'logs', 'sync', 'validate', 'version'])('explains %s', async (verb) => {
    const { code, out, err } = await runBare(verb, '--help');
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
    const { code, out, err } = await runBare(...args);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain(message);
    expect(err).toContain('holdfast --help lists the verbs');
  });

  test('without a verb shows the help, with status 2', async () => {
    const { code, err } = await runBare();
    expect(code).toBe(2);
    expect(err).toContain('Usage: holdfast');
  });

  test('tells its version', async () => {
    expect(await runBare('version')).toEqual({ code: 0, out: `holdfast ${version}\n`, err: '' });
    expect(JSON.parse((await runBare('version', '--output', 'json')).out)).toEqual({ version });
    expect(JSON.parse((await runBare('-o', 'json', 'version')).out)).toEqual({ version });
  });

  test.each(['agent', 'status', 'plan', 'ps', 'sync'])('%s needs its configuration', async (verb) => {
    const { code, err } = await runBare('--config', join(node.directory, 'none.yaml'), verb);
    expect(code).toBe(1);
    expect(err).toMatch(/^holdfast: .*none\.yaml:1:1: cannot read the configuration \(ENOENT\)/);
  });
});

describe('status', () => {
  test('shows the node, with status 0 when it is as Git says', async () => {
    await node.serve();
    const { code, out, err } = await node.holdfast('status');
    expect([code, err]).toEqual([0, '']);
    expect(out).toContain('revision  cccccccccccc signed by ops@example.org\n');
    expect(out).toMatch(/^default\/web {2}Deployment {2}1\/1 {4}Ready {2}Running {2}1 of 1 pods run$/m);
  });

  test('shows what was refused and denied, with file and line, and status 3', async () => {
    const [workload] = sampleStatus().workloads;
    if (workload === undefined) throw new Error('no workload');
    const problem = { file: 'web.yaml', line: 4, column: 1, path: 'spec.x', message: 'unknown field' };
    await node.serve({
      status: () =>
        sampleStatus({
          revision: null,
          refused: { commit: 'e'.repeat(40), code: 'invalid-manifests', message: '1 problems', problems: [problem] },
          conditions: [condition('Synced', 'False')],
          workloads: [{ ...workload, findings: [sampleFinding] }],
        }),
    });
    const { code, out } = await node.holdfast('status');
    expect(code).toBe(3);
    expect(out).toContain('revision  none yet\n');
    expect(out).toContain(
      'REFUSED   eeeeeeeeeeee invalid-manifests: 1 problems\n  web.yaml:4:1: spec.x: unknown field\n',
    );
    expect(out).toContain('DENY  default/web  baseline/no-root\n  web.yaml:7:3: spec.containers[0]: runs as root\n');
  });

  test('as JSON is the whole status', async () => {
    await node.serve();
    expect(JSON.parse((await node.holdfast('status', '--output', 'json')).out)).toEqual(sampleStatus());
  });

  test('lets nobody command the terminal', async () => {
    const [workload] = sampleStatus().workloads;
    if (workload === undefined) throw new Error('no workload');
    await node.serve({
      status: () => sampleStatus({ workloads: [{ ...workload, message: 'a\u001b[2Jb\r\nc\u009b' }] }),
    });
    const { out } = await node.holdfast('status');
    expect(out).toContain('a [2Jb c');
    expect(out).not.toMatch(/(?!\n)\p{Cc}/u);
  });

  test('is the last one known when the agent is down', async () => {
    await openStateFiles(join(node.directory, 'state')).writeStatus(sampleStatus({ node: 'left' }));
    const { code, out, err } = await node.holdfast('status');
    expect([code, err]).toEqual([0, 'holdfast: the agent is not running; this is the status it left\n']);
    expect(out).toContain('node      left');
  });

  test('is none, with status 4, when the agent never ran', async () => {
    expect(await node.holdfast('status')).toEqual({ code: 4, out: '', err: 'holdfast: the agent is not running\n' });
  });

  test('is an error while the agent starts', async () => {
    (await node.serve()).serve(null);
    const { code, err } = await node.holdfast('status');
    expect([code, err]).toEqual([1, 'holdfast: the agent starts or ends; try again soon\n']);
  });
});

describe('ps', () => {
  test('lists the containers', async () => {
    await node.serve();
    const { code, out } = await node.holdfast('ps');
    expect(code).toBe(0);
    expect(out).toMatch(/^POD +CONTAINER +STATE +PID +RESTARTS +AGE +ADDRESS +PORTS +IMAGE\n/);
    expect(out).toMatch(/^default_web_0_abc +app +Running +4711 +2 +\d+d +- +- +reg\.test\/app:1$/m);
  });

  test.each([
    [{ code: 3, signal: null, oomKilled: false, lost: false, finishedAt: 1 }, 'Exited(3)'],
    [{ code: null, signal: 'SIGTERM', oomKilled: false, lost: false, finishedAt: 1 }, 'Killed(SIGTERM)'],
    [{ code: null, signal: 'SIGKILL', oomKilled: true, lost: false, finishedAt: 1 }, 'OOMKilled'],
    [{ code: null, signal: null, oomKilled: false, lost: true, finishedAt: 1 }, 'Lost'],
  ])('says how one ended: %j', async (exit, state) => {
    const status = JSON.parse(JSON.stringify(sampleStatus()));
    Object.assign(status.workloads[0].pods[0].containers[0], { state: 'Terminated', pid: null, exit });
    await node.serve({ status: () => status });
    expect((await node.holdfast('ps')).out).toMatch(new RegExp(` ${state.replaceAll(/[()]/g, '\\$&')} +- +2 `));
  });
});
