import type { Command } from 'commander';
import { readResources } from './commands/update.ts';
import { commands } from './commands.ts';
import type { RuntimeContext } from './runtime-context.ts';

/** Options of `update` as runc has them, and where each belongs in `linux.resources`. */
const OPTIONS = [
  ['--memory <bytes>', 'memory', 'limit'],
  ['--memory-reservation <bytes>', 'memory', 'reservation'],
  ['--memory-swap <bytes>', 'memory', 'swap', 'memory and swap together; -1 for no limit'],
  ['--kernel-memory <bytes>', 'memory', 'kernel'],
  ['--kernel-memory-tcp <bytes>', 'memory', 'kernelTCP'],
  ['--cpu-period <us>', 'cpu', 'period'],
  ['--cpu-quota <us>', 'cpu', 'quota'],
  ['--cpu-burst <us>', 'cpu', 'burst'],
  ['--cpu-share <shares>', 'cpu', 'shares'],
  ['--cpu-rt-period <us>', 'cpu', 'realtimePeriod'],
  ['--cpu-rt-runtime <us>', 'cpu', 'realtimeRuntime'],
  ['--cpu-idle <0|1>', 'cpu', 'idle'],
  ['--cpuset-cpus <list>', 'cpu', 'cpus'],
  ['--cpuset-mems <list>', 'cpu', 'mems'],
  ['--blkio-weight <weight>', 'blockIO', 'weight'],
  ['--pids-limit <count>', 'pids', 'limit'],
] as const;

/** Declares `update`. */
export function declareUpdate(program: Command, contextOf: () => RuntimeContext): void {
  const command = program
    .command('update <id>')
    .description('change the limits of a container in place')
    .option('-r, --resources <file>', 'linux.resources in JSON, - for standard input; with it no other option counts')
    .option('--l3-cache-schema <schema>', 'refused: Intel RDT is not supported')
    .option('--mem-bw-schema <schema>', 'refused: Intel RDT is not supported');
  for (const [flags, section, field, more = ''] of OPTIONS)
    command.option(flags, more || `linux.resources.${section}.${field}`);
  command.action((id: string, options: Readonly<Record<string, string | undefined>>) => {
    const { resources, l3CacheSchema, memBwSchema } = options;
    if (l3CacheSchema !== undefined || memBwSchema !== undefined) throw new Error('Intel RDT is not supported');
    return commands.update(contextOf(), id, resources === undefined ? resourcesOf(options) : readResources(resources));
  });
}

function resourcesOf(options: Readonly<Record<string, string | undefined>>): unknown {
  const resources: Record<string, Record<string, unknown>> = {};
  for (const [flags, section, field] of OPTIONS) {
    const name = flags.slice(2, flags.indexOf(' '));
    const text = options[name.replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase())];
    if (text === undefined) continue;
    const isList = field === 'cpus' || field === 'mems';
    resources[section] = { ...resources[section], [field]: isList ? text : amountOf(name, text) };
  }
  return resources;
}

const UNITS: Readonly<Record<string, number>> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };

/** Bytes may have a binary unit, as in `512M`. */
function amountOf(name: string, text: string): number {
  const [, digits, unit = ''] = /^(-?\d+)\s*([kmgt]?)(?:i?b)?$/i.exec(text) ?? [];
  const factor = UNITS[unit.toLowerCase()];
  if (digits === undefined || factor === undefined) throw new Error(`--${name} ${text}: expected a number`);
  return Number(digits) * factor;
}
