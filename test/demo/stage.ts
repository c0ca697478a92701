/** Tells the demo's story: numbered scenes, what is done, what is seen, and whether that is what was promised. */
export interface Stage {
  scene(title: string): void;
  say(text: string): void;
  /** Shows what a program printed. */
  show(text: string): void;
  /** A promise of this scene. A broken one ends the demo as failed. */
  check(promise: string, isKept: boolean): void;
  summary(): readonly KeptPromise[];
}

/** One promise and whether it was kept. */
export interface KeptPromise {
  readonly scene: string;
  readonly promise: string;
  readonly isKept: boolean;
}

/** A promise that was not kept. */
export class BrokenPromiseError extends Error {
  override readonly name = 'BrokenPromiseError';
}

/** Makes an empty stage. @param write where the story is told. */
export function createStage(write: (text: string) => void): Stage {
  const promises: KeptPromise[] = [];
  let current = '';
  let count = 0;
  return {
    scene: (title) => {
      count += 1;
      current = title;
      write(`\n=== ${count}. ${title} ===\n`);
    },
    say: (text) => write(`${text}\n`),
    show: (text) => write(`${text.trimEnd().replace(/^/gm, '    | ')}\n`),
    check: (promise, isKept) => {
      promises.push({ scene: current, promise, isKept });
      write(`  ${isKept ? 'ok' : 'BROKEN'}: ${promise}\n`);
      if (!isKept) throw new BrokenPromiseError(`${current}: ${promise}`);
    },
    summary: () => promises,
  };
}
