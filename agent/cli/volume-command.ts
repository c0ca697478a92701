import { type Command, InvalidArgumentError } from 'commander';
import type { RunVerb } from './image-commands.ts';
import { discardVolumes } from './verbs/volume.ts';

/** Adds `volume` and what is below it. */
export function addVolumeCommand(program: Command, run: RunVerb): void {
  const volume = program.command('volume').description('the volumes of this node; `holdfast status` lists them');
  volume
    .command('rm')
    .description('remove volumes that Git does not declare any more, with all of their data')
    .argument('<volume...>', 'namespace/name, as `holdfast status` has it', addName)
    .action((names: readonly VolumeName[]) => run(discardVolumes)(names));
}

interface VolumeName {
  readonly namespace: string;
  readonly name: string;
}

function addName(text: string, before: readonly VolumeName[] = []): readonly VolumeName[] {
  const [, namespace, name] = /^([^/]+)\/([^/]+)$/.exec(text) ?? [];
  if (namespace === undefined || name === undefined) throw new InvalidArgumentError('Give namespace/name.');
  return [...before, { namespace, name }];
}
