import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const BUILD = new URL('../../agent/release/build.ts', import.meta.url).pathname;
const PROGRAM = new URL('../../.cache/dist/agent/main.cjs', import.meta.url).pathname;

/** Builds the agent as it is released, as `npm run build:agent` does. @returns the file of its command line. */
export async function buildRelease(): Promise<string> {
  await promisify(execFile)(process.execPath, [BUILD]);
  return PROGRAM;
}
