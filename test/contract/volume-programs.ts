import type { ExecSpec } from '../../native/index.ts';
import type { FakeExec } from '../fakes/fake-exec.ts';
import type { FakeFiles } from '../fakes/fake-files.ts';

const SHELL = ['/bin/busybox', 'sh', '-c'] as const;
const WRITE = 'printf %s "$2" > "$1"';
const MOUNT = 'busybox mkdir "$1" && busybox mount -t tmpfs made "$1"';

/** A program that prints a file. */
export function reading(path: string): ExecSpec {
  return { args: ['/bin/busybox', 'cat', path] };
}

/** A program that writes a file anew. @param text of less than 128 KiB. */
export function writing(path: string, text: string): ExecSpec {
  return { args: [...SHELL, WRITE, 'sh', path, text] };
}

/** A program that makes a directory and mounts an empty file system on it. */
export function mounting(path: string): ExecSpec {
  return { args: [...SHELL, MOUNT, 'sh', path] };
}

/** @returns what the fake makes of one of these programs, or null for another. */
export function fakeVolumeExec({ args }: ExecSpec, files: FakeFiles): FakeExec | null {
  const [, applet, name, script, , path = '', text = ''] = args;
  if (applet === 'cat' && name !== undefined) return outcomeOf(() => files.read(name));
  if (script === WRITE)
    return outcomeOf(() => {
      files.write(path, text);
      return '';
    });
  return script === MOUNT
    ? outcomeOf(() => {
        files.mount(path);
        return '';
      })
    : null;
}

function outcomeOf(run: () => string): FakeExec {
  try {
    return { stdout: run(), code: 0 };
  } catch (error) {
    return { stderr: `${(error as Error).message}\n`, code: 1 };
  }
}
