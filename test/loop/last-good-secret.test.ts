import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { SourceError } from '../../agent/source/index.ts';
import type { NodeStatus } from '../../manifests/index.ts';
import { documents } from '../reconcile/manifests.ts';
import { type AgentWorld, holds, startAgentWorld } from './agent-world.ts';

let world: AgentWorld;

beforeEach(async () => {
  world = await startAgentWorld();
});
afterEach(() => world.stop());

const secret = (value: string): string =>
  `apiVersion: v1\nkind: Secret\nmetadata: { name: login }\nstringData: { password: ${value} }`;
const web = (version: string): string => `apiVersion: v1
kind: Pod
metadata: { name: web, labels: { version: ${version} } }
spec:
  hostname: ${version}
  volumes: [{ name: keys, secret: { secretName: login } }]
  containers:
    - name: app
      image: reg.test/app:1
      env: [{ name: PASSWORD, valueFrom: { secretKeyRef: { name: login, key: password } } }]
`;

/** What the one pod of the node got of the Secret, as file and as variable. */
async function got(): Promise<readonly [file: string, variable: string | undefined]> {
  const [sandbox] = world.backend.node.observe().sandboxes;
  const id = sandbox?.id ?? '';
  const { path } = await world.backend.volumeDirectory(id, 'keys');
  const spec = world.backend.node.container({ sandboxId: id, name: 'app' })?.spec;
  const variable = spec?.config.process.env.find((entry) => entry.startsWith('PASSWORD='));
  return [await readFile(join(path, 'password'), 'utf8'), variable];
}

const pidOf = (status: NodeStatus): number | null => status.workloads[0]?.pods[0]?.containers[0]?.pid ?? null;
const runs = (status: NodeStatus): boolean => pidOf(status) !== null;

test('a last good version gets its own Secret, also when it is made anew while the source is offline', async () => {
  const good = await world.commit(documents(web('one'), secret('old')));
  await world.until('one is well', (now) => holds(now, 'Synced') && now.revision?.commit === good);
  while (!(await world.state.readLastGood()).has('default/web')) await sleep(10);

  world.judge = ({ workload }) =>
    workload.labels.version === 'two' ? { decision: 'deny', findings: [] } : { decision: 'allow' };
  await world.commit(documents(web('two'), secret('new')));
  await world.until('two is denied', (now) => now.workloads[0]?.reason === 'PolicyDenied' && runs(now));
  expect(await got()).toEqual(['old', 'PASSWORD=old']);

  world.source.breakDown(new SourceError('unreachable', 'no route to host'));
  await expect(world.agent.poll()).rejects.toMatchObject({ code: 'unreachable' });
  await world.restart();
  const before = pidOf(await world.until('one is adopted', runs));
  const [sandbox] = world.backend.node.observe().sandboxes;
  world.backend.node.killSandbox(sandbox?.id ?? '');
  await world.until('one is made anew', (now) => runs(now) && pidOf(now) !== before);
  expect(await got()).toEqual(['old', 'PASSWORD=old']);
});
