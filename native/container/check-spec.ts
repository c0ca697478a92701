import type { ContainerRef, ContainerSpec, SandboxSpec } from '../backend.ts';
import { checkBridgedNetwork } from '../network/check-network.ts';
import { ID_COUNT } from '../sandbox/id-range.ts';
import { sysctlsOf } from '../sandbox/sysctls.ts';
import { expectField, isWithin } from './check-field.ts';
import { checkLimits } from './check-limits.ts';

const NAME = /^[a-z0-9_-][a-z0-9_.-]{0,199}$/;
const HOSTNAME = /^[A-Za-z0-9][A-Za-z0-9.-]{0,63}$/;

/** @throws BackendError `invalid-spec` naming the field. */
export function checkSandboxSpec(spec: SandboxSpec): void {
  checkId(spec.id);
  expectField(HOSTNAME.test(spec.hostname), 'hostname', spec.hostname, 'a host name of at most 64 characters');
  sysctlsOf(spec);
  if (typeof spec.network === 'object') checkBridgedNetwork(spec.network);
}

/** @throws BackendError `invalid-spec`: the id becomes part of paths. */
export function checkId(id: string): void {
  expectField(NAME.test(id), 'id', id, '1 to 200 of a-z 0-9 _ . - that do not begin with a dot');
}

/** @throws BackendError `invalid-spec`: both names become parts of paths. */
export function checkRef(ref: ContainerRef): void {
  checkId(ref.sandboxId);
  expectField(NAME.test(ref.name), 'name', ref.name, '1 to 200 of a-z 0-9 _ . - that do not begin with a dot');
}

/** Checks what the kernel would refuse without saying why. @throws BackendError `invalid-spec` naming the field. */
export function checkContainerSpec(spec: ContainerSpec, users: 'private' | 'host'): void {
  checkRef(spec);
  checkLimits(spec.limits);
  const { process } = spec.config;
  expectField(process.args.length > 0, 'process.args', process.args, 'at least one');
  expectField(isAbsolute(process.cwd), 'process.cwd', process.cwd, 'an absolute path');
  expectField(spec.layers.length > 0, 'layers', spec.layers, 'at least one');
  for (const layer of spec.layers) expectField(isAbsolute(layer), 'layers', layer, 'absolute paths');
  for (const entry of process.env) expectField(entry.indexOf('=') > 0, 'process.env', entry.split('=')[0], 'KEY=value');
  const highest = highestId(users);
  const ids = [process.user.uid, process.user.gid, ...process.user.additionalGids];
  for (const id of ids) expectField(isWithin(id, 0, highest), 'process.user', id, `ids from 0 to ${highest}`);
  expectField(isWithin(process.user.umask, 0, 0o777), 'process.user.umask', process.user.umask, '0 to 0777');
  expectField(isWithin(process.oomScoreAdj, -1000, 1000), 'process.oomScoreAdj', process.oomScoreAdj, '-1000 to 1000');
  checkLog(spec);
}

/** @returns the highest user or group id there is in a pod. */
export function highestId(users: 'private' | 'host'): number {
  return users === 'private' ? ID_COUNT - 1 : 0xfffffffe;
}

function checkLog({ log }: ContainerSpec): void {
  expectField(isAbsolute(log.path), 'log.path', log.path, 'an absolute path');
  expectField(isWithin(log.maxBytes, 1, Number.MAX_SAFE_INTEGER), 'log.maxBytes', log.maxBytes, 'at least 1');
  expectField(isWithin(log.maxFiles, 1, 1000), 'log.maxFiles', log.maxFiles, '1 to 1000');
}

/** @returns whether a path begins at the root. */
export function isAbsolute(path: string): boolean {
  return path.startsWith('/');
}
