/** A folder at the top of the repository, and the other ones that its files may import. */
export interface Room {
  readonly name: string;
  readonly mayImport: readonly string[];
}

/** Who may import whom. ARCHITECTURE.md tells the same, and a test compares the two. */
export const ROOMS: readonly Room[] = [
  { name: 'manifests', mayImport: [] },
  { name: 'policies', mayImport: ['manifests'] },
  { name: 'native', mayImport: [] },
  { name: 'agent', mayImport: ['manifests', 'policies', 'native'] },
  { name: 'controller', mayImport: ['manifests', 'policies'] },
  { name: 'test', mayImport: ['manifests', 'policies', 'native', 'agent', 'controller'] },
];

/** Files whose path starts so take time, randomness and the outside world as values or ports only. */
export const PURE_PLACES = ['manifests/', 'agent/reconcile/', 'agent/drift/compare', 'controller/rollout/'];

/** What a pure place may import from Node, by the start of its path. */
export const PURE_BUILTINS: Readonly<Record<string, readonly string[]>> = { 'manifests/': ['node:crypto'] };

/** Names that let time, chance or the outside world into a pure place. */
export const IMPURE_NAMES =
  /\bDate\b|\bTemporal\b|\bMath\.random\b|\bset(?:Timeout|Interval|Immediate)\b|\bqueueMicrotask\b|\b(?:process|console|performance|globalThis|crypto)\.|\bfetch\(/;

/** A program's beginning: it puts parts together and starts them, and only tests may import it. */
export const ENTRY_POINT = /(?:^|\/)main\.ts$/;

/** Files that hold code a person reads and maintains. */
export const CODE = /\.(?:ts|c|h|rego|sh|go)$/;
export const MAX_LINES = 400;
/** Of C functions; the linter counts those of TypeScript. */
export const MAX_FUNCTION_LINES = 70;

/** Words in a file's name that say nothing about what is in it. */
export const EMPTY_WORDS = ['util', 'utils', 'helper', 'helpers', 'manager', 'managers', 'common', 'misc'];
/** Lower-case words joined by `-` or `.`; `_` as Rego and C have it. */
export const FILE_NAME = /^\.?[a-z0-9]+(?:[-._][a-z0-9]+)*$/;
export const NAMES_BY_CONVENTION = [
  'Makefile',
  'Dockerfile',
  'LICENSE',
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
];

/** Everything there may be at the top of the repository. */
export const TOP_LEVEL = [
  ...ROOMS.map((room) => room.name),
  ...['.ci', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'LICENSE', 'README.md'],
  ...['.biome.json', '.gitattributes', '.gitignore', '.npmrc', 'package.json', 'package-lock.json', 'tsconfig.json'],
];

/** Text that ties the project to one machine or to one mirror. */
export const MACHINE_TEXT =
  /(?<![\w}])\/(?:work\/(?:main|shared)|root|home\/\w+)\/|registry\.npmjs|(?:deb|security|snapshot)\.debian|proxy\.golang/;

/** Ways to leave a test out of the run, or all others. */
export const LEFT_OUT_TEST =
  /\b(?:describe|test|it)(?:\.\w+)*\.(?:skip|only|todo|failing)\b|\b[xf](?:it|test|describe)\s*[(.]/;
