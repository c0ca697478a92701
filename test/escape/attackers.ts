import { containerConfig } from '../../agent/execute/container-config.ts';
import { limitsOf } from '../../agent/reconcile/limits.ts';
import { type Container, type PodTemplate, parseManifests } from '../../manifests/index.ts';
import type { ContainerSpec } from '../../native/index.ts';

/** Fields of a pod's `spec` and of its container's `securityContext`. */
export interface SecuritySettings {
  readonly pod?: object;
  readonly container?: object;
}

/**
 * Who attacks: `root` and `user` have what a manifest that asks for nothing gets; `admin` has every capability and no
 * seccomp filter, so that nothing but the user namespace is left; `node root` is a pod that shares the node's users.
 */
export type Attacker = 'root' | 'user' | 'admin' | 'node root';

const SECURITY: Readonly<Record<Attacker, SecuritySettings>> = {
  root: {},
  user: { container: { runAsUser: 1000, runAsGroup: 1000 } },
  admin: {
    container: {
      capabilities: { add: ['ALL'] },
      allowPrivilegeEscalation: true,
      seccompProfile: { type: 'Unconfined' },
    },
  },
  'node root': { pod: { hostUsers: true }, container: { capabilities: { add: ['MKNOD'] } } },
};

/** @returns what the agent hands to the backend for this attacker's manifest. @throws when the manifest is refused. */
export function attackerSpec(attacker: Attacker): Pick<ContainerSpec, 'config' | 'limits'> {
  const container = containerOf(SECURITY[attacker]);
  const { runAsUser, runAsGroup } = container.securityContext;
  const user = { uid: runAsUser ?? 0, gid: runAsGroup ?? 0 };
  const image = { entrypoint: [], cmd: ['sh'], env: [], workingDir: '/', user: '', stopSignal: 'SIGTERM' };
  const config = containerConfig(podOf(SECURITY[attacker]), container, image, user, { volumes: {}, files: {} });
  return { config, limits: limitsOf(container) };
}

/** @returns whether the attacker's manifest asks for the node's user namespace. */
export function hasNodeUsers(attacker: Attacker): boolean {
  return podOf(SECURITY[attacker]).hostUsers;
}

/** @returns the only container of a manifest with these settings, as it is read. */
export function containerOf(settings: SecuritySettings): Container {
  const [container] = podOf(settings).containers;
  if (container === undefined) throw new Error('the manifest has no container');
  return container;
}

function podOf({ pod = {}, container = {} }: SecuritySettings): PodTemplate {
  const manifest = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'attacker' },
    spec: { ...pod, containers: [{ name: 'app', image: 'registry.example/app:1', securityContext: container }] },
  };
  const { workloads, problems } = parseManifests([{ path: 'attacker.json', text: JSON.stringify(manifest) }]);
  const [found] = workloads;
  if (found === undefined) throw new Error(`the manifest is refused: ${JSON.stringify(problems)}`);
  return found.workload.pod;
}
