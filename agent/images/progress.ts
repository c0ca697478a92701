/** How far a pull is. */
export interface PullProgress {
  readonly reference: string;
  readonly digest: string;
  /** Compressed bytes that have to be there; what was on disk before the pull is not among them. */
  readonly totalBytes: number;
  readonly doneBytes: number;
  /** Over the last seconds. */
  readonly bytesPerSecond: number;
  /** Null while nothing arrives. */
  readonly secondsLeft: number | null;
}

/** One pull that is under way. */
export interface PullMeter {
  /** Bytes of a layer that are there: they arrived, or were on disk from an attempt before. */
  advance(bytes: number): void;
  /** Bytes that came over the network. */
  fetched(bytes: number): void;
  /** Bytes that turned out to be of no use. */
  lose(bytes: number): void;
  end(): void;
}

/** The pulls that are under way. */
export interface PullBoard {
  begin(reference: string, digest: string, totalBytes: number): PullMeter;
  pulls(): readonly PullProgress[];
  /** @returns bytes that came over the network since the board was made. */
  fetchedBytes(): number;
}

/** The rate is that of about this long. */
const MEMORY_MS = 5_000;

/** @param now the clock in milliseconds; the monotonic one unless given. */
export function createPullBoard(now: () => number = () => performance.now()): PullBoard {
  const running = new Set<() => PullProgress>();
  let fetchedBytes = 0;
  return {
    begin: (reference, digest, totalBytes) => {
      let doneBytes = 0;
      const samples: { readonly at: number; readonly doneBytes: number }[] = [{ at: now(), doneBytes: 0 }];
      const note = (): void => {
        const at = now();
        if (at - (samples.at(-1)?.at ?? 0) < MEMORY_MS / 20) return;
        samples.push({ at, doneBytes });
        while ((samples[1]?.at ?? at) < at - MEMORY_MS) samples.shift();
      };
      const read = (): PullProgress => {
        const [oldest = { at: now(), doneBytes }] = samples;
        const seconds = Math.max(now() - oldest.at, 1) / 1000;
        const bytesPerSecond = Math.max(0, Math.round((doneBytes - oldest.doneBytes) / seconds));
        const secondsLeft = bytesPerSecond === 0 ? null : Math.ceil((totalBytes - doneBytes) / bytesPerSecond);
        return { reference, digest, totalBytes, doneBytes, bytesPerSecond, secondsLeft };
      };
      running.add(read);
      return {
        advance: (bytes) => {
          doneBytes += bytes;
          note();
        },
        fetched: (bytes) => {
          fetchedBytes += bytes;
        },
        lose: (bytes) => {
          doneBytes -= bytes;
        },
        end: () => void running.delete(read),
      };
    },
    fetchedBytes: () => fetchedBytes,
    pulls: () => [...running].map((read) => read()),
  };
}
