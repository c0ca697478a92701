import { globSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { createTelemetry, registry, type Telemetry } from '../../agent/telemetry/index.ts';
import { README, renderReadme } from './registry-tables.ts';

const ROOT = join(import.meta.dirname, '../..');
const { attributes, spans, events, metrics } = registry;
const signals = Object.entries({ ...spans, ...events, ...metrics });

describe('the registry of names', () => {
  test('names are lower-case words joined by dots, as the semantic conventions want', () => {
    for (const [name] of signals) expect(name).toMatch(/^holdfast(\.[a-z][a-z_]*)+$/);
    for (const name of Object.keys(attributes)) expect(name).toMatch(/^[a-z][a-z_]*(\.[a-z][a-z_]*)+$/);
  });

  test('no name stands for two things', () => {
    const names = [...Object.keys(spans), ...Object.keys(events), ...Object.keys(metrics), ...Object.keys(attributes)];
    expect(new Set(names).size).toBe(names.length);
  });

  test('every attribute is used by a signal', () => {
    const used = new Set(['error.type', ...signals.flatMap(([, signal]) => Object.keys(signal.attributes))]);
    expect(Object.keys(attributes).filter((name) => !used.has(name))).toEqual([]);
  });

  test('no metric has a commit as an attribute, and those with closed sets make at most 42 series', () => {
    const counts = Object.values(metrics).map((metric) => {
      const keys = Object.keys(metric.attributes);
      expect(keys).not.toContain('vcs.ref.head.revision');
      const types = keys.map((key) => attributes[key as keyof typeof attributes].type);
      const sizes = types.map((type) => (typeof type === 'string' ? 0 : type.length));
      return sizes.reduce((series, size) => series * size, 1);
    });
    expect(counts.reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(42);
  });

  test('every histogram has rising buckets, and nothing else has any', () => {
    for (const metric of Object.values(metrics)) {
      const buckets: readonly number[] | undefined = 'buckets' in metric ? metric.buckets : undefined;
      expect(buckets !== undefined).toBe(metric.instrument === 'histogram');
      expect(buckets?.toSorted((a, b) => a - b)).toEqual(buckets);
    }
  });

  test('the README is up to date: run `node test/telemetry/registry-tables.ts`', async () => {
    const readme = await readFile(README, 'utf8');
    expect(renderReadme(readme)).toBe(readme);
    for (const [name] of signals) expect(readme).toContain(`\`${name}\``);
  });

  test('every name that a source with telemetry in its hands spells is registered', () => {
    const registered = new Set([...signals.map(([name]) => name), ...Object.keys(attributes)]);
    const speakers = agentSources().filter(({ text }) => /telemetry/i.test(text));
    const strays = speakers.flatMap(({ path, text }) =>
      [...text.matchAll(/['"`](holdfast\.(?!dev\b)[a-z_.]+)['"`]/g)]
        .map(([, name = '']) => name)
        .filter((name) => !registered.has(name))
        .map((name) => `${path}: ${name}`),
    );
    expect(speakers.length).toBeGreaterThan(0);
    expect(strays).toEqual([]);
  });

  test('every name that is registered is spelled by a source that sends it', () => {
    const text = agentSources()
      .map((source) => source.text)
      .join('\n');
    const registered = [...signals.map(([name]) => name), ...Object.keys(attributes)];
    expect(registered.filter((name) => !text.includes(`'${name}'`))).toEqual([]);
  });

  test('only this folder speaks OpenTelemetry', () => {
    const users = agentSources().flatMap(({ path, text }) => (text.includes('@opentelemetry/') ? [path] : []));
    expect(users.length).toBeGreaterThan(0);
    expect(users.filter((path) => !path.startsWith('agent/telemetry/'))).toEqual([]);
  });
});

describe('types of the port', () => {
  test('wrong names, attributes and values do not compile', async () => {
    const telemetry = await createTelemetry({ endpoint: null, node: 'n', version: '1', environment: null });
    expect(await misuse(telemetry)).toBe('compiled only because every error is expected');
  });
});

/** Held by the compiler: an expected error that is none is an error. */
async function misuse(telemetry: Telemetry): Promise<string> {
  // @ts-expect-error: no such event
  telemetry.emit({ name: 'holdfast.drift.seen', attributes: {} });
  // @ts-expect-error: a required attribute is missing
  telemetry.emit({ name: 'holdfast.drift.detected', attributes: { 'holdfast.drift.field': 'container' } });
  telemetry.emit({
    name: 'holdfast.drift.detected',
    // @ts-expect-error: not one of the actions
    attributes: { 'holdfast.drift.field': 'container', 'holdfast.drift.action': 'repaired' },
  });
  telemetry.emit({
    name: 'holdfast.reconcile.recovered',
    // @ts-expect-error: not an attribute of this event
    attributes: { 'holdfast.drift.field': 'container' },
  });
  // @ts-expect-error: a histogram is not added to
  telemetry.add('holdfast.reconcile.duration', 1, { 'holdfast.reconcile.outcome': 'converged' });
  // @ts-expect-error: a counter is not set
  telemetry.set('holdfast.reconcile.runs', 1, { 'holdfast.reconcile.outcome': 'converged' });
  // @ts-expect-error: no attribute of this metric
  telemetry.record('holdfast.source.fetch.duration', 1, { 'holdfast.source.outcome': 'changed', 'error.type': 'x' });
  // @ts-expect-error: no such span
  await telemetry.span('holdfast.sync', {}, async () => undefined);
  return telemetry.span('holdfast.source.fetch', {}, async (span) => {
    // @ts-expect-error: an attribute of another span
    span.set({ 'holdfast.plan.steps': 3 });
    return 'compiled only because every error is expected';
  });
}

function agentSources(): readonly { readonly path: string; readonly text: string }[] {
  return globSync('agent/**/*.ts', { cwd: ROOT })
    .filter((path) => !path.startsWith('agent/telemetry/names'))
    .map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }));
}
