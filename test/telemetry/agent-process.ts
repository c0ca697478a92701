import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const TELEMETRY = join(import.meta.dirname, '../../agent/telemetry/index.ts');
const run = promisify(execFile);

/**
 * Runs a program in a Node of its own, as the agent would.
 * @param program an ES module that prints one JSON value; `createTelemetry` is there, imported after the first line.
 */
export async function runAgentProcess(program: { readonly before?: string; readonly main: string }): Promise<unknown> {
  const source = `
    ${program.before ?? ''}
    const { createTelemetry } = await import(${JSON.stringify(TELEMETRY)});
    ${program.main}
  `;
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', source]);
  return JSON.parse(stdout);
}
