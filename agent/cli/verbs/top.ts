import { setTimeout as sleep } from 'node:timers/promises';
import { type ExitCode, exitCode } from '../exit-code.ts';
import { openGuest } from '../open-guest.ts';
import { print } from '../print.ts';
import { loadsBetween, showUsage } from '../show-usage.ts';
import type { VerbContext } from '../verb-context.ts';

/** Shows what the node's containers use, read twice from the kernel. Goes past the agent: works while it is down. */
export async function top(context: VerbContext, intervalMs: number): Promise<ExitCode> {
  const guest = await openGuest(context);
  const before = await guest.statsOfAll();
  await sleep(intervalMs);
  print(context.output, context.format, loadsBetween(before, await guest.statsOfAll()), showUsage);
  return exitCode.ok;
}
