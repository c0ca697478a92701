import type { SandboxSpec } from '../backend.ts';
import { BackendError } from '../errors.ts';

const NAME = /^[a-z0-9]([a-z0-9_-]*[a-z0-9])?(\.[a-zA-Z0-9]([a-zA-Z0-9_-]*[a-zA-Z0-9])?)+$/;
const IPC = /^(kernel\.(shm|msg)[a-z_]*|kernel\.sem|fs\.mqueue\.[a-z_]+)$/;
const NETWORK = /^net\./;
const LONGEST_VALUE = 1024;

/**
 * @returns the kernel parameters of a sandbox as the shim sets them, by path below /proc/sys.
 * @throws BackendError `invalid-spec` for one that is not of the sandbox's own namespaces: it would be the node's.
 */
export function sysctlsOf(spec: SandboxSpec): readonly (readonly [path: string, value: string])[] {
  return Object.entries(spec.sysctls ?? {}).map(([name, value]) => {
    const isOwn =
      NAME.test(name) && ((IPC.test(name) && spec.ipc !== 'host') || (NETWORK.test(name) && spec.network !== 'host'));
    if (!isOwn) throw refusal(name, 'is no parameter of the sandbox’s own network or ipc namespace');
    if (value.length > LONGEST_VALUE || /[\0\n]/.test(value))
      throw refusal(name, `expected one line of at most ${LONGEST_VALUE} characters`);
    return [name.replaceAll('.', '/'), value];
  });
}

function refusal(name: string, problem: string): BackendError {
  return new BackendError('invalid-spec', 'check sysctls', `sysctls: ${JSON.stringify(name)}: ${problem}`);
}
