import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { holds, runningPids } from '../../world/fleet.ts';
import { sensorManifest, webManifest } from '../manifests.ts';
import { type SceneContext, showCommand } from './scene.ts';

/** A signed commit becomes running containers. */
export async function firstConvergence(context: SceneContext): Promise<void> {
  const { fleet, stage, images } = context;
  stage.scene('First convergence: a signed commit becomes running containers');
  const files = {
    'web.yaml': webManifest({ image: images.v1.reference }),
    'sensor.yaml': sensorManifest(images.v1.reference),
  };
  const commit = await fleet.author.commit({ files, message: 'Run web and sensor' });
  stage.say(`committed ${commit.slice(0, 12)}, signed by ${fleet.signer.principal}; starting the agent`);
  await context.startAgent();
  const status = await fleet.until('both workloads run', (now) => holds(now, 'Synced') && now.workloads.length === 2);
  await showCommand(context, 'status');
  await showCommand(context, 'ps');
  await showCommand(context, 'logs', 'web', '--tail', '5');
  stage.check('two workloads with four containers run', Object.keys(runningPids(status)).length === 4);
  stage.check(
    'the revision is the signed commit',
    status.revision?.commit === commit && status.revision.signer === fleet.signer.principal,
  );
  const span = await fleet.collector.waitFor(({ spans }) =>
    spans.find(({ name }) => name === 'holdfast.container.start'),
  );
  stage.say(`the collector received the trace ${span.traceId} of this reconcile`);
}

/** A new version replaces the old one, new pods first. */
export async function rollingChange(context: SceneContext): Promise<void> {
  const { fleet, stage, images } = context;
  stage.scene('A rolling change by commit');
  const manifest = webManifest({ image: images.v2.reference });
  await writeFile(join(fleet.author.directory, 'web.yaml'), manifest);
  stage.say('before committing, ask what it would do:');
  await showCommand(context, 'plan', fleet.author.directory);
  const before = runningPids(await fleet.status());
  const commit = await fleet.author.commit({ files: { 'web.yaml': manifest }, message: 'Update web to v2' });
  let fewest = Number.POSITIVE_INFINITY;
  const status = await fleet.until('web runs v2', (now) => {
    const web = now.workloads.find(({ key }) => key === 'default/web');
    fewest = Math.min(fewest, web?.pods.filter(({ state }) => state === 'Running').length ?? 0);
    return now.revision?.commit === commit && holds(now, 'Synced');
  });
  await showCommand(context, 'ps');
  const after = runningPids(status);
  const sensorPids = (pids: Readonly<Record<string, number>>): string =>
    JSON.stringify(Object.entries(pids).filter(([name]) => name.startsWith('default_sensor')));
  stage.check('two pods served at every moment', fewest >= 2);
  stage.check(
    'web was replaced',
    Object.keys(after).every((name) => name.startsWith('default_sensor') || !(name in before)),
  );
  stage.check('sensor was not touched', sensorPids(before) === sensorPids(after));
}
