import type { Command } from 'commander';
import type { VerbContext } from './verb-context.ts';
import { discard, fetchImage, inspect, list, prune, verify } from './verbs/image.ts';

/** Makes the action of a command from a verb. */
export type RunVerb = <Args extends readonly unknown[]>(
  verb: (context: VerbContext, ...args: Args) => Promise<number>,
) => (...args: Args) => Promise<void>;

/** Adds `image` and what is below it. */
export function addImageCommands(program: Command, run: RunVerb): void {
  const image = program.command('image').description('the images of this node, whether the agent runs or not');
  image.command('ls').description('the images in the store').action(run(list));
  image
    .command('inspect')
    .description('all that is known of one image')
    .argument('<image>', 'reference, or digest or its beginning')
    .action((name: string) => run(inspect)(name));
  image
    .command('pull')
    .description('fetch an image now, verify it and pin it, so that it stays until it is removed with rm')
    .argument('<image>', 'reference, as manifests name it')
    .option('--from <layout>', 'take it from oci:/path[:tag] or oci-archive:/path[:tag] instead of the registry')
    .action((reference: string, { from }: { from?: string }) => run(fetchImage)(reference, from ?? null));
  image
    .command('rm')
    .description('remove images that nothing uses, pinned or not')
    .argument('<image...>', 'references, or digests or their beginnings')
    .action((names: string[]) => run(discard)(names));
  image
    .command('verify')
    .description('compare stored layers with what was unpacked, every byte of them')
    .argument('[image]', 'only this image')
    .option('--repair', 'set changed layers aside and pull them again', false)
    .action((name: string | undefined, { repair }: { repair: boolean }) =>
      run(verify)(name ?? null, repair ? 'repair' : 'report'),
    );
  image
    .command('prune')
    .description('remove every image that nothing uses and nobody pinned')
    .option('--dry-run', 'only say which', false)
    .action(({ dryRun }: { dryRun: boolean }) => run(prune)(dryRun ? 'show' : 'remove'));
}
