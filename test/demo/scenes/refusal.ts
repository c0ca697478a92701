import { runningPids } from '../../world/fleet.ts';
import { type WebOptions, webManifest } from '../manifests.ts';
import { type SceneContext, showCommand } from './scene.ts';

/** What must not run, and the rule that says so. */
function forbidden({
  images,
}: SceneContext): Readonly<Record<string, { readonly rule: string; readonly web: WebOptions }>> {
  const image = images.v2.reference;
  return {
    'asks for root': { rule: 'no-root', web: { image, security: 'runAsUser: 0' } },
    'asks for privileged': { rule: 'no-privileged', web: { image, security: 'privileged: true' } },
    'has no limits': { rule: 'resource-limits', web: { image, resources: null } },
    'runs an unsigned image': { rule: 'image-signed', web: { image: images.unsigned.reference } },
  };
}

/** Commits that break a policy: signed, but denied, with file and line; the old version runs on. */
export async function deniedCommits(context: SceneContext): Promise<void> {
  const { fleet, stage } = context;
  stage.scene('Commits that the policies deny');
  const before = JSON.stringify(runningPids(await fleet.status()));
  for (const [what, { rule, web }] of Object.entries(forbidden(context))) {
    const manifest = webManifest(web);
    const commit = await fleet.author.commit({ files: { 'web.yaml': manifest }, message: `A version that ${what}` });
    const status = await fleet.until(`denied by ${rule}`, (now) => {
      const entry = now.workloads.find(({ key }) => key === 'default/web');
      return now.revision?.commit === commit && entry?.reason === 'PolicyDenied';
    });
    const findings = status.workloads.flatMap((workload) => workload.findings).filter((entry) => entry.rule === rule);
    stage.say(`a version that ${what}:`);
    for (const { file, line, path, message } of findings) {
      stage.show(`${file}:${line}: ${path}: ${message}\n${manifest.split('\n')[line - 1]}`);
    }
    const isLocated = findings.length > 0 && findings.every(({ file, line }) => file === 'web.yaml' && line > 1);
    stage.check(`a version that ${what} is denied by ${rule}, with file and line`, isLocated);
    stage.check('the old version keeps running untouched', JSON.stringify(runningPids(status)) === before);
  }
  await showCommand(context, 'status');
  const event = await fleet.collector.waitFor(({ events }) =>
    events.find(({ name }) => name === 'holdfast.policy.denied'),
  );
  stage.say(`the collector received ${event.name}: ${JSON.stringify(event.attributes)}`);
}

/** A commit nobody trusted signed: not even read. */
export async function unsignedCommit(context: SceneContext): Promise<void> {
  const { fleet, stage, images } = context;
  stage.scene('A commit without a signature');
  const before = await fleet.status();
  const files = { 'web.yaml': webManifest({ image: images.v1.reference, replicas: 1 }) };
  const commit = await fleet.author.commit({ files, message: 'Unsigned', sign: null });
  const status = await fleet.until('the commit is refused', (now) => now.refused?.commit === commit);
  await showCommand(context, 'status');
  stage.check('the unsigned commit is refused', status.refused?.code === 'unsigned');
  stage.check('the accepted revision stays', status.revision?.commit === before.revision?.commit);
  stage.check('nothing was restarted', JSON.stringify(runningPids(status)) === JSON.stringify(runningPids(before)));
  stage.say('and a signed commit after it is taken again:');
  const web = webManifest({ image: images.v2.reference });
  const good = await fleet.author.commit({ files: { 'web.yaml': web }, message: 'Back to a version that may run' });
  await fleet.until('the good commit is taken', (now) => now.revision?.commit === good && now.refused === null);
}
