import { type Container, type LocatedWorkload, parseManifests } from '../../manifests/index.ts';
import { DebugError, type DebugRequest } from './request.ts';

/** Enough for a shell and its tools. */
const LIMITS = { cpu: '500m', memory: '256Mi' } as const;

/**
 * Adds a container for debugging to a workload as it runs, read as strictly as one in a manifest would be; what the
 * request leaves open is the least: no capability, the image's user, limits of its own.
 * @throws DebugError `invalid-request` naming every field that is wrong.
 */
export function withDebugContainer(located: LocatedWorkload, name: string, request: DebugRequest): LocatedWorkload {
  const container = readContainer(located, name, request);
  const { workload } = located;
  return {
    ...located,
    workload: { ...workload, pod: { ...workload.pod, containers: [...workload.pod.containers, container] } },
  };
}

function readContainer({ workload }: LocatedWorkload, name: string, request: DebugRequest): Container {
  const { image, command, user, capabilities } = request;
  const manifest = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'debug' },
    spec: {
      hostUsers: workload.pod.hostUsers,
      containers: [
        {
          name,
          image,
          resources: { limits: LIMITS },
          ...(command.length > 0 && { command }),
          securityContext: {
            capabilities: { add: capabilities },
            ...(user !== null && { runAsUser: user.uid, ...(user.gid !== null && { runAsGroup: user.gid }) }),
          },
        },
      ],
    },
  };
  const { workloads, problems } = parseManifests([{ path: 'debug', text: JSON.stringify(manifest) }]);
  const [container] = workloads[0]?.workload.pod.containers ?? [];
  if (container !== undefined) return container;
  const said = problems.map(({ path, message }) => `${path.replace('spec.containers[0].', '')}: ${message}`);
  throw new DebugError('invalid-request', said.join('; '));
}
