import { type FSWatcher, watch } from 'node:fs';
import type { BackendContext } from '../context.ts';

const SETTLE_MS = 10;
const SWEEP_MS = 1_000;

/**
 * Calls back soon after an exit record appears, and within a second after a process is gone that left none
 * (a sandbox's holder, a container whose shim was killed with it).
 * @returns a function that ends the watch.
 */
export function watchChanges(context: BackendContext, onChange: () => void): () => void {
  let settling: NodeJS.Timeout | undefined;
  const notify = (): void => {
    settling ??= setTimeout(() => {
      settling = undefined;
      onChange();
    }, SETTLE_MS);
  };
  const watcher = watchExits(context.layout.exitsDir, notify);
  const sweeping = setInterval(() => {
    context.liveness.sweep().then((hasEnded) => {
      if (hasEnded) notify();
    });
  }, SWEEP_MS);
  return () => {
    watcher?.close();
    clearInterval(sweeping);
    clearTimeout(settling);
  };
}

/** Without inotify (its watches are used up) the sweep alone has to do. */
function watchExits(directory: string, notify: () => void): FSWatcher | null {
  try {
    const watcher = watch(directory, (_, name) => {
      if (name?.startsWith('.') !== true) notify();
    });
    watcher.on('error', () => watcher.close());
    return watcher;
  } catch {
    return null;
  }
}
