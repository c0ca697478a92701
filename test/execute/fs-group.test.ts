import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { preparePodFiles } from '../../agent/execute/pod-files.ts';
import { sandboxVolumes } from '../../agent/execute/volume-mounts.ts';
import { parseManifests } from '../../manifests/index.ts';
import { makeTempDir } from '../world/temp-dir.ts';

const text = `apiVersion: v1
kind: Pod
metadata: { name: p }
spec:
  securityContext: { fsGroup: 2000, supplementalGroups: [7] }
  volumes: [{ name: data, emptyDir: {} }, { name: cache, emptyDir: { medium: Memory } }]
  containers: [{ name: app, image: 'reg.test/app:1' }]
`;

test("fsGroup owns the pod's own volumes, hands itself on to what is made in them, and is a group of every process", async () => {
  const temp = await makeTempDir();
  try {
    const roots = { stateDir: join(temp.path, 'state'), runDir: join(temp.path, 'run') };
    await mkdir(roots.runDir);
    const { workloads, problems } = parseManifests([{ path: 'p.yaml', text }]);
    expect(problems).toEqual([]);
    const pod = workloads[0]?.workload.pod;
    if (pod === undefined) throw new Error('no pod');
    const { volumes } = await preparePodFiles(roots, 'pod', { namespace: 'default', pod });
    const { gid, mode } = await stat(volumes.data ?? '');
    expect([gid, mode & 0o7777]).toEqual([2000, 0o2777]);
    expect(sandboxVolumes(pod)).toEqual([
      { name: 'cache', maxBytes: null, gid: 2000, mode: 0o2777, isSwappable: true },
    ]);
    expect(pod.containers[0]?.securityContext.supplementalGroups).toEqual([7, 2000]);
  } finally {
    await temp.remove();
  }
});
