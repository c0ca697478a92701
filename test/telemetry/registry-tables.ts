import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { registry } from '../../agent/telemetry/index.ts';

/** The document that holds the tables. */
export const README = join(import.meta.dirname, '../../agent/telemetry/README.md');

const BEGIN = '<!-- registry: begin -->';
const END = '<!-- registry: end -->';

/** @returns the document with its tables made anew from the registry; the rest is as it was. */
export function renderReadme(readme: string): string {
  const [before = '', rest = ''] = readme.split(BEGIN);
  const [, after = ''] = rest.split(END);
  return `${before}${BEGIN}\n\n${renderTables()}\n\n${END}${after}`;
}

function renderTables(): string {
  return [
    '## Spans',
    table(
      ['name', 'covers', 'attributes'],
      Object.entries(registry.spans).map(([name, { brief, attributes }]) => [code(name), brief, uses(attributes)]),
    ),
    '## Events',
    table(
      ['name', 'severity', 'says', 'attributes'],
      Object.entries(registry.events).map(([name, { severity, brief, attributes }]) => [
        code(name),
        severity,
        brief,
        uses(attributes),
      ]),
    ),
    '## Metrics',
    table(
      ['name', 'instrument', 'unit', 'counts', 'attributes'],
      Object.entries(registry.metrics).map(([name, { instrument, unit, brief, attributes }]) => [
        code(name),
        instrument,
        code(unit),
        brief,
        uses(attributes),
      ]),
    ),
    '## Attributes',
    'Those marked `?` above may be left out.',
    table(
      ['name', 'values', 'meaning'],
      Object.entries(registry.attributes).map(([name, { type, brief }]) => [code(name), values(type), brief]),
    ),
  ].join('\n\n');
}

function uses(attributes: Readonly<Record<string, string>>): string {
  return Object.entries(attributes)
    .map(([name, use]) => (use === 'required' ? code(name) : `${code(name)}?`))
    .join('<br>');
}

function values(type: string | readonly string[]): string {
  return typeof type === 'string' ? type : type.map(code).join(', ');
}

function code(text: string): string {
  return `\`${text}\``;
}

/** Columns are padded, as the formatter wants them. */
function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((_title, column) => Math.max(...[header, ...rows].map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  return [header, widths.map((width) => '-'.repeat(width)), ...rows].map(line).join('\n');
}

if (import.meta.main) await writeFile(README, renderReadme(await readFile(README, 'utf8')));
