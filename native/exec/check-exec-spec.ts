import type { ExecSpec } from '../backend.ts';
import { expectField, isWithin } from '../container/check-field.ts';
import { highestId, isAbsolute } from '../container/check-spec.ts';

const LARGEST_SIDE = 65_535;

/** Checks what the kernel would refuse without saying why. @throws BackendError `invalid-spec` naming the field. */
export function checkExecSpec(spec: ExecSpec, users: 'private' | 'host'): void {
  const { args, env = [], cwd = '/', user, terminal = null } = spec;
  expectField(args.length > 0, 'args', args, 'at least one');
  expectField(isAbsolute(cwd), 'cwd', cwd, 'an absolute path');
  for (const entry of env) expectField(entry.indexOf('=') > 0, 'env', entry.split('=')[0], 'KEY=value');
  const highest = highestId(users);
  for (const id of [user?.uid ?? 0, user?.gid ?? 0, ...(user?.additionalGids ?? [])]) {
    expectField(isWithin(id, 0, highest), 'user', id, `ids from 0 to ${highest}`);
  }
  for (const side of terminal === null ? [] : [terminal.rows, terminal.columns]) {
    expectField(isWithin(side, 0, LARGEST_SIDE), 'terminal', side, `0 to ${LARGEST_SIDE}`);
  }
}
