import type { ImageApi } from '../../api/client.ts';
import { type ExitCode, exitCode } from '../exit-code.ts';
import { withImages } from '../open-images.ts';
import { print } from '../print.ts';
import { showFindings, showImage, showImages, showPull } from '../show-images.ts';
import type { VerbContext } from '../verb-context.ts';

const PROGRESS_EVERY_MS = 1_000;

/** Lists the images in the store. */
export function list(context: VerbContext): Promise<ExitCode> {
  return withImages(context, async (images) => {
    print(context.output, context.format, await images.list(), (found) => showImages(found, Date.now()));
    return exitCode.ok;
  });
}

/** Shows all that is known of one image. */
export function inspect(context: VerbContext, name: string): Promise<ExitCode> {
  return withImages(context, async (images) => {
    print(context.output, context.format, await images.inspect(name), showImage);
    return exitCode.ok;
  });
}

/** Fetches an image and pins it, telling on the error output how far that is. */
export function fetchImage(context: VerbContext, reference: string, from: string | null): Promise<ExitCode> {
  return withImages(context, async (images) => {
    const timer = setInterval(() => void tellProgress(context, images, reference), PROGRESS_EVERY_MS);
    try {
      const image = await images.fetch(reference, from);
      print(context.output, context.format, image, ({ digest }) => `${reference} is ${digest}, complete and pinned\n`);
      return exitCode.ok;
    } finally {
      clearInterval(timer);
    }
  });
}

/** Removes images that nothing uses. */
export function discard(context: VerbContext, names: readonly string[]): Promise<ExitCode> {
  return withImages(context, async (images) => {
    for (const name of names) {
      await images.discard(name);
      print(context.output, context.format, { removed: name }, () => `removed ${name}\n`);
    }
    return exitCode.ok;
  });
}

/** Compares stored layers with what was unpacked. */
export function verify(context: VerbContext, name: string | null, repair: 'repair' | 'report'): Promise<ExitCode> {
  return withImages(context, async (images) => {
    const findings = await images.verify(name, repair);
    print(context.output, context.format, findings, showFindings);
    const isWell = findings.every(({ verdict, isRepaired }) => verdict.state === 'whole' || isRepaired);
    return isWell ? exitCode.ok : exitCode.failed;
  });
}

/** Removes, or only names, what nothing uses and nobody pinned. */
export function prune(context: VerbContext, mode: 'remove' | 'show'): Promise<ExitCode> {
  return withImages(context, async (images) => {
    const gone = await images.prune(mode);
    const head = mode === 'remove' ? 'removed:' : 'would be removed:';
    print(context.output, context.format, gone, () =>
      gone.length === 0 ? 'nothing to remove\n' : `${head}\n${showImages(gone, Date.now())}`,
    );
    return exitCode.ok;
  });
}

async function tellProgress({ output }: VerbContext, images: ImageApi, reference: string): Promise<void> {
  const pulls = await images.pulls().catch(() => []);
  const pull = pulls.find((each) => each.reference === reference);
  if (pull) output.error(`${showPull(pull)}\n`);
}
