import type { Observation } from '../../native/index.ts';
import type { ImageUse } from '../images/index.ts';
import { readContainerLabels } from './labels.ts';

/**
 * @param needed digests of images that may have to run, whether they do or not.
 * @returns which images must stay, and since when each is mounted by a container.
 */
export function imageUse({ sandboxes }: Observation, needed: Iterable<string>): ImageUse {
  const kept = new Set(needed);
  const running = new Map<string, number>();
  for (const { labels, state, startedAt } of sandboxes.flatMap(({ containers }) => containers)) {
    const { image } = readContainerLabels(labels);
    if (image === '') continue;
    kept.add(image);
    if (state !== 'exited') running.set(image, Math.min(startedAt, running.get(image) ?? startedAt));
  }
  return { kept, running };
}
