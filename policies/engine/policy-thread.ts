import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { Bundle } from '../bundle/bundle.ts';
import type { EvaluationAnswer, LoadAnswer, ThreadLost, ThreadSetup } from './thread-messages.ts';

/** One thread with one instance of the policies. */
export interface PolicyThread {
  /** False once it ended, by itself or not. It is never started again. */
  isAlive(): boolean;
  /**
   * Evaluates one input; one at a time. The process stays up until the answer is there.
   * After `timed-out` the thread may still be busy: `end` it.
   */
  ask(inputText: string, options: { readonly timeoutMs: number }): Promise<EvaluationAnswer | ThreadLost>;
  end(): Promise<void>;
}

/** What happened when a thread was started. */
export type ThreadStart =
  | { readonly kind: 'started'; readonly thread: PolicyThread }
  | Exclude<LoadAnswer, { readonly kind: 'loaded' }>
  | ThreadLost;

const THREAD_FILE = fileURLToPath(new URL('./thread-main.ts', import.meta.url));
/** A busy node may take long, and tries again would take as long. What never loads shows when the agent starts. */
const START_MS = 300_000;
/** 32 MiB for the module. */
const MAX_MEMORY_PAGES = 512;
/** V8 counts the module's memory too: below twice that it collects garbage at every page the module grows by. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 96, maxYoungGenerationSizeMb: 4, stackSizeMb: 2 };

/** Starts a thread and loads the bundle in it. An idle thread does not keep the process up. */
export async function startThread(bundle: Bundle): Promise<ThreadStart> {
  const { wasm, data, entrypoint } = bundle;
  const worker = new Worker(THREAD_FILE, {
    workerData: { wasm, data, entrypoint, maxMemoryPages: MAX_MEMORY_PAGES } satisfies ThreadSetup,
    resourceLimits: RESOURCE_LIMITS,
    name: 'policy',
    env: {},
    execArgv: [],
    stdout: true,
    stderr: true,
  });
  let isAlive = true;
  worker.once('exit', () => {
    isAlive = false;
  });
  // Without a listener an error between two questions would end the process; the exit that follows says enough.
  worker.on('error', () => undefined);
  worker.stdout.resume();
  worker.stderr.resume();

  const answer = await nextMessage<LoadAnswer>(worker, START_MS);
  if (answer.kind !== 'loaded') {
    await worker.terminate();
    return answer;
  }
  worker.unref();
  return {
    kind: 'started',
    thread: {
      isAlive: () => isAlive,
      ask: async (inputText, { timeoutMs }) => {
        worker.ref();
        worker.postMessage(inputText);
        const evaluation = await nextMessage<EvaluationAnswer>(worker, timeoutMs);
        worker.unref();
        return evaluation;
      },
      end: async () => {
        await worker.terminate();
      },
    },
  };
}

/** @returns the next message, or why there will be none. */
function nextMessage<Message>(worker: Worker, timeoutMs: number): Promise<Message | ThreadLost> {
  return new Promise((resolve) => {
    const settle = (answer: Message | ThreadLost): void => {
      clearTimeout(timer);
      worker.off('message', settle);
      worker.off('error', onError);
      worker.off('exit', onExit);
      resolve(answer);
    };
    const onError = (error: Error): void => settle({ kind: 'died', reason: error.message });
    const onExit = (): void => settle({ kind: 'died', reason: 'the thread ended' });
    // After a busy stretch of this thread an answer may lie waiting, and its turn comes after the timers'.
    const timer = setTimeout(() => setImmediate(settle, { kind: 'timed-out' } satisfies ThreadLost), timeoutMs);
    worker.once('message', settle);
    worker.once('error', onError);
    worker.once('exit', onExit);
  });
}
