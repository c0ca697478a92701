import type { Command } from 'commander';
import type { RunVerb } from './image-commands.ts';
import { parseUser } from './parse-user.ts';
import { type DebugOptions, debug } from './verbs/debug.ts';

/** Adds `debug`. */
export function addDebugCommand(program: Command, run: RunVerb): void {
  program
    .command('debug')
    .description('attach a container to a running pod, judged as its own are; it goes with the pod')
    .argument('<target>', 'workload (name or namespace/name) or pod')
    .argument('[command...]', 'instead of what the image runs, after --')
    .requiredOption('--image <image>', 'as a manifest names it')
    .option('--target <container>', 'see the processes of this container of the pod')
    .option('--user <uid[:gid]>', 'another user than the image’s', parseUser)
    .option('--cap-add <name...>', 'capabilities', [])
    .action((target: string, command: string[], options: DebugOptions) => run(debug)(target, command, options));
}
