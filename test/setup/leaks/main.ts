import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { collectTraces, newTraces, type Traces } from './traces.ts';

/** What ends by itself, such as a killed process, is given this long. */
const GRACE_MS = 5_000;
const POLL_MS = 250;

/** `record` prints what is there now; `compare FILE RUN` fails, naming it, when more is there than FILE recorded. */
async function main([verb, file, run]: readonly string[]): Promise<void> {
  if (verb === 'record') {
    process.stdout.write(JSON.stringify(collectTraces()));
  } else if (verb === 'compare' && file !== undefined) {
    report(await settledLeaks(JSON.parse(readFileSync(file, 'utf8')) as Traces, run));
  } else {
    throw new Error('usage: main.ts record | main.ts compare FILE RUN');
  }
}

async function settledLeaks(before: Traces, run?: string): Promise<readonly string[]> {
  const deadline = Date.now() + GRACE_MS;
  let leaks = newTraces(before, collectTraces(run));
  while (leaks.length > 0 && Date.now() < deadline) {
    await sleep(POLL_MS);
    leaks = newTraces(before, collectTraces(run));
  }
  return leaks;
}

function report(leaks: readonly string[]): void {
  if (leaks.length === 0) {
    console.log('leaks: none (mounts, cgroups, links, namespaces, processes, sockets, files)');
    return;
  }
  console.error(`leaks: the tests left ${leaks.length} behind\n  ${leaks.join('\n  ')}`);
  process.exitCode = 1;
}

await main(process.argv.slice(2));
