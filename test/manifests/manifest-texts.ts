/** Lines of YAML put into an otherwise smallest valid Pod; a `name`, `image` or `containers` among them replaces the default. */
export interface PodLines {
  readonly metadata?: string;
  readonly spec?: string;
  readonly container?: string;
}

/** @returns the YAML of a Pod named `web`. Its `spec` begins on line 6 or later. */
export function podText({ metadata = '', spec = '', container = '' }: PodLines = {}): string {
  return [
    'apiVersion: v1',
    'kind: Pod',
    'metadata:',
    ...withDefault(metadata, 'name: web', 2),
    'spec:',
    ...indented(spec, 2),
    ...(/^▶?containers:/m.test(spec) ? [] : ['  containers:', ...containerLines(container)]),
  ].join('\n');
}

/** @returns the YAML of a Deployment named `web`, with the lines put into its `spec` and its pod template's. */
export function deploymentText({
  spec = '',
  pod = '',
}: {
  readonly spec?: string;
  readonly pod?: string;
} = {}): string {
  const template = [
    'template:',
    '  metadata:',
    '    labels: { app: web }',
    '  spec:',
    ...indented(pod, 4),
    '    containers: [{ name: web, image: nginx }]',
  ];
  return [
    'apiVersion: apps/v1',
    'kind: Deployment',
    'metadata:',
    '  name: web',
    'spec:',
    ...(/^▶?selector:/m.test(spec) ? [] : ['  selector: { matchLabels: { app: web } }']),
    ...indented(spec, 2),
    ...(/^▶?template:/m.test(spec) ? [] : template.map((line) => `  ${line}`)),
  ].join('\n');
}

function containerLines(lines: string): readonly string[] {
  const own = lines.split('\n').filter((line) => line !== '');
  const written = [/^▶?name:/, /^▶?image:/]
    .map((field, index) => (own.some((line) => field.test(line)) ? '' : ['name: web', 'image: nginx'][index]))
    .filter((line) => line !== '');
  return [...written, ...own].map((line, index) => `${index === 0 ? '    - ' : '      '}${line}`);
}

function withDefault(lines: string, fallback: string, depth: number): readonly string[] {
  return indented(/^▶?name:/m.test(lines) ? lines : `${fallback}\n${lines}`, depth);
}

function indented(lines: string, depth: number): readonly string[] {
  return lines
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => `${' '.repeat(depth)}${line}`);
}

/** Limits that a manifest does not set, beyond CPU, memory and processes. */
export const NO_MORE_LIMITS = {
  memoryHighBytes: null,
  swapBytes: null,
  hugePages2MiBytes: null,
  hugePages1GiBytes: null,
  ioWeight: null,
  cpus: null,
  mems: null,
  ioDevices: [],
} as const;
