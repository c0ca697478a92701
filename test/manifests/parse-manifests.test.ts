import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { canonicalJson, formatProblem, type ManifestText, parseManifests, workloadKey } from '../../manifests/index.ts';
import { anyWorkload } from './arbitrary-workload.ts';
import { holds } from './holds.ts';
import { deploymentText, podText } from './manifest-texts.ts';
import { writtenManifest } from './written-manifest.ts';

const EXAMPLES = new URL('../../manifests/examples/', import.meta.url);

const examples: readonly ManifestText[] = readdirSync(EXAMPLES).map((path) => ({
  path,
  text: readFileSync(new URL(path, EXAMPLES), 'utf8'),
}));

describe('the examples', () => {
  test('have no problems', () => {
    const { workloads, problems } = parseManifests(examples);
    expect(problems).toEqual([]);
    expect(workloads.map(({ workload }) => workloadKey(workload))).toEqual([
      'field/sensor',
      'monitoring/node-exporter',
      'shop/notes',
      'shop/web',
    ]);
  });

  test('mean what they say', () => {
    const [sensor, exporter, , web] = parseManifests(examples).workloads.map(({ workload }) => workload);
    expect(sensor?.pod.containers).toMatchObject([
      { name: 'reader', args: ['--spool', '/spool', '--every', '5s'] },
      { name: 'uploader', volumeMounts: [{ readOnly: true }, { readOnly: true }] },
    ]);
    expect(exporter).toMatchObject({ kind: 'Pod', pod: { hostNetwork: true, hostUsers: false } });
    expect(web).toMatchObject({
      kind: 'Deployment',
      replicas: 2,
      nodeSelector: { role: 'edge' },
      update: { maxSurge: 1, maxUnavailable: 0, minReadySeconds: 5 },
      pod: { containers: [{ args: ['nginx', '-g', 'daemon off;', '-c', '/etc/nginx/nginx.conf'] }] },
    });
  });
});

describe('files', () => {
  const files = [
    { path: 'b.yaml', text: `${podText({ metadata: 'name: z' })}\n---\n${podText({ metadata: 'name: a' })}` },
    { path: 'a.yml', text: deploymentText() },
    {
      path: 'c.json',
      text: JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'm' }, spec: { containers: [] } }),
    },
    { path: 'd.yaml', text: 'kind: Pod\n---\na: [' },
  ];

  test('in any order give the same', () => {
    const expected = parseManifests(files);
    holds(
      fc.property(fc.shuffledSubarray(files, { minLength: files.length }), (shuffled) => {
        expect(parseManifests(shuffled)).toEqual(expected);
      }),
    );
  });

  test('give workloads by key and all problems by place', () => {
    const { workloads, problems } = parseManifests(files);
    expect(workloads.map(({ workload, origin }) => [workloadKey(workload), origin.file])).toEqual([
      ['default/a', 'b.yaml'],
      ['default/web', 'a.yml'],
      ['default/z', 'b.yaml'],
    ]);
    expect(problems.map(formatProblem)).toEqual([
      'c.json:1:65: spec.containers: must have at least 1 entry',
      'd.yaml:1:1: apiVersion: is required',
      'd.yaml:1:1: metadata: is required',
      'd.yaml:1:1: spec: is required',
      expect.stringMatching(/^d\.yaml:3:5: not valid YAML: /),
    ]);
  });

  test('say where each workload was written', () => {
    const [pod] = parseManifests([{ path: 'apps/a.yaml', text: `# comment\n---\n${podText()}` }]).workloads;
    expect(pod?.origin).toMatchObject({
      file: 'apps/a.yaml',
      podPath: 'spec',
      positions: { '': { line: 3, column: 1 }, 'spec.containers[0].image': { line: 10, column: 7 } },
    });
    const [deployment] = parseManifests([{ path: 'a.yaml', text: deploymentText() }]).workloads;
    expect(deployment?.origin.podPath).toBe('spec.template.spec');
  });

  test('no files are no problem', () => {
    expect(parseManifests([])).toEqual({ workloads: [], resources: [], problems: [] });
  });
});

describe('two workloads of one name', () => {
  test('are a problem that names both places, whatever their kinds', () => {
    const files = [
      { path: 'b.yaml', text: podText() },
      { path: 'a.yaml', text: deploymentText() },
    ];
    expect(parseManifests(files).problems).toEqual([
      {
        file: 'b.yaml',
        line: 4,
        column: 3,
        path: 'metadata.name',
        message: 'workload `default/web` is already defined in a.yaml:4; rename one of them, or remove it',
      },
    ]);
  });

  test('in one file, or with the default namespace written out', () => {
    const text = `${podText()}\n---\n${podText({ metadata: 'namespace: default' })}`;
    expect(parseManifests([{ path: 'a.yaml', text }]).problems).toMatchObject([{ line: 13, path: 'metadata.name' }]);
  });

  test('in two namespaces are none', () => {
    const text = `${podText()}\n---\n${podText({ metadata: 'namespace: other' })}`;
    expect(parseManifests([{ path: 'a.yaml', text }]).problems).toEqual([]);
  });
});

test('more than 1,000 problems are counted, not listed', () => {
  const text = Array.from({ length: 1500 }, (_, index) => `x${index}: 1`).join('\n');
  const { problems } = parseManifests([{ path: 'a.yaml', text: `${podText()}\n${text}` }]);
  expect(problems).toHaveLength(1001);
  expect(problems.at(-1)?.message).toBe('and 500 more problems from here on; solve these first');
});

const YAML_STYLE = { version: '1.2', aliasDuplicateObjects: false } as const;

describe('any workload', () => {
  test.each([
    ['JSON', 'a.json', (manifest: object) => JSON.stringify(manifest)],
    ['indented JSON', 'a.json', (manifest: object) => JSON.stringify(manifest, null, 2)],
    // The library writes a block text whose first line is only spaces such that nobody can read the spaces back.
    ['YAML', 'a.yaml', (manifest: object) => stringify(manifest, { ...YAML_STYLE, blockQuote: false })],
  ])('written as %s is read as the same', (_, path, write) => {
    holds(
      fc.property(anyWorkload, (workload) => {
        const { workloads, problems } = parseManifests([{ path, text: write(writtenManifest(workload)) }]);
        expect(problems).toEqual([]);
        expect(workloads.map((located) => canonicalJson(located.workload))).toEqual([canonicalJson(workload)]);
      }),
      60,
    );
  });

  test('with any one value replaced is read or refused, with every problem in the file', () => {
    const anything = fc.oneof(
      fc.constantFrom(null, true, -1, 0, 1.5, 1e9, '', 'yes', '1', '/', '..', '$(A)', [], {}, [null], ['a'], { a: 1 }),
      fc.jsonValue(),
    );
    holds(
      fc.property(anyWorkload, fc.nat(), anything, (workload, place, value) => {
        const text = JSON.stringify(withOneReplaced(writtenManifest(workload), place, value), null, 1);
        const lines = text.split('\n').length;
        const { workloads, problems } = parseManifests([{ path: 'a.json', text }]);
        expect(workloads.length === 1 || problems.length > 0).toBe(true);
        for (const { line, message } of problems) {
          expect(line >= 1 && line <= lines).toBe(true);
          expect(message).not.toMatch(/Invalid input|undefined/);
        }
      }),
      500,
    );
  });
});

/** Replaces the value at one of all the places in a JSON value, counted round. */
function withOneReplaced(root: object, place: number, value: unknown): unknown {
  let count = 0;
  JSON.stringify(root, (_, field) => {
    count += 1;
    return field;
  });
  let at = place % count;
  return JSON.parse(JSON.stringify(root, (_, field) => (at-- === 0 ? value : field)));
}
