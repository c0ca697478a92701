import { existsSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');

/**
 * Finds a program the tests and the demo use, made from Debian's packages by `npm run setup`.
 * @throws when it is not there.
 */
export function toolPath(name: 'opa' | 'otelcol' | 'cosign' | 'cosign3' | 'notation'): string {
  const path = join(ROOT, '.cache/tools', name);
  if (!existsSync(path)) throw new Error(`${path} is missing: run \`npm run setup\`, which makes it`);
  return path;
}
