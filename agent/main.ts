#!/usr/bin/env -S MALLOC_ARENA_MAX=1 node --max-semi-space-size=1 --optimize-for-size --no-opt --no-maglev --no-sparkplug
import { exitCode } from './cli/exit-code.ts';
import { runCli } from './cli/program.ts';

// A reader that has gone, such as `head`, has read enough.
process.stdout.on('error', () => process.exit(exitCode.failed));
// An agent outlives whoever reads its log.
process.stderr.on('error', () => undefined);

void run();

/** What still waits, such as a telemetry receiver that does not answer, must not keep a program alive whose work is over. */
async function run(): Promise<void> {
  const status = await runCli(process.argv.slice(2), {
    write: (text) => void process.stdout.write(text),
    error: (text) => void process.stderr.write(text),
  });
  await Promise.all([process.stdout, process.stderr].map(written));
  process.exit(status);
}

/** Resolves when everything written so far has left the process. */
function written(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => stream.write('', () => resolve()));
}
