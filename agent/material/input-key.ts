import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeDurably } from '../../native/index.ts';

const KEY_BYTES = 32;

/**
 * The node's own key for digests of what comes from Secrets, made once. Without the file another one is made; then the
 * pods that take variables from ConfigMaps and Secrets are replaced once.
 */
export async function readInputKey(stateDir: string): Promise<Uint8Array> {
  const path = join(stateDir, 'input-key');
  const kept = await readFile(path).catch(() => null);
  if (kept?.length === KEY_BYTES) return kept;
  const key = randomBytes(KEY_BYTES);
  await writeDurably(path, key);
  return key;
}
