import type { ExecSpec } from '../../native/index.ts';
import type { FakeExec } from '../fakes/fake-exec.ts';
import type { FakeFiles } from '../fakes/fake-files.ts';
import { fakeVolumeExec } from './volume-programs.ts';

/** The programs the contract runs in containers: for a kernel as a shell script, for the fake as what comes of it. */
const PROGRAMS = {
  'writes to both': {
    args: ['/bin/busybox', 'sh', '-c', 'echo to stdout; echo to stderr >&2; exit 3'],
    fake: { stdout: 'to stdout\n', stderr: 'to stderr\n', code: 3 },
  },
  succeeds: { args: ['/bin/busybox', 'true'], fake: {} },
  echoes: { args: ['/bin/busybox', 'cat'], fake: { does: 'echoes' } },
  stays: {
    args: ['/bin/busybox', 'sh', '-c', 'echo ready; exec /bin/busybox sleep 1000'],
    fake: { stdout: 'ready\n', does: 'stays' },
  },
  missing: { args: ['/bin/nothing'], fake: { starts: false } },
} as const satisfies Record<string, { readonly args: readonly string[]; readonly fake: FakeExec }>;

export type ExecName = keyof typeof PROGRAMS;

/** @returns the request to run one of the programs. */
export function execSpec(name: ExecName): ExecSpec {
  return { args: PROGRAMS[name].args };
}

/** @returns what the fake makes of a program of the contract. */
export function fakeExecOf(spec: ExecSpec, files: FakeFiles): FakeExec {
  const known = fakeVolumeExec(spec, files);
  if (known !== null) return known;
  return Object.values(PROGRAMS).find(({ args }) => args === spec.args)?.fake ?? {};
}
