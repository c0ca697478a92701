import { readFile, writeFile } from 'node:fs/promises';
import { holds, memoryLimitFile, runningPids } from '../../world/fleet.ts';
import type { ReceivedEvent } from '../../world/otlp-decode.ts';
import { type SceneContext, showCommand } from './scene.ts';

/** A container killed from outside comes back. */
export async function containerKilled(context: SceneContext): Promise<void> {
  const { fleet, stage } = context;
  stage.scene('kill -9 of a container');
  await fleet.until('all is well', (now) => holds(now, 'Synced'));
  const [name, pid] = firstWeb(runningPids(await fleet.status()));
  stage.say(`$ kill -9 ${pid}   (${name})`);
  const killedAt = Date.now();
  process.kill(pid, 'SIGKILL');
  const event = await driftEvent(context, 'holdfast.drift.detected', 'containers[app].state', killedAt);
  const status = await fleet.until('the container runs again', (now) => (runningPids(now)[name] ?? pid) !== pid);
  stage.show(`${event.name} ${JSON.stringify(event.attributes)}`);
  stage.check(`the container runs again (pid ${runningPids(status)[name]})`, runningPids(status)[name] !== pid);
  await driftEvent(context, 'holdfast.drift.corrected', 'containers[app].state', killedAt);
  stage.check('the collector was told of the drift and of its correction', true);
}

/** A limit changed behind the agent's back is put right, without a restart. */
export async function limitTampered(context: SceneContext): Promise<void> {
  const { fleet, stage } = context;
  stage.scene('A tampered memory limit');
  await fleet.until('all is well', (now) => holds(now, 'Synced'));
  const [name, pid] = firstWeb(runningPids(await fleet.status()));
  const [pod = '', container = ''] = name.split('/');
  const file = await memoryLimitFile(fleet.cgroupRoot, pod, container);
  const limit = await readFile(file, 'utf8');
  stage.say(`$ echo 33554432 > ${file.slice(file.indexOf(fleet.cgroupRoot))}   (was ${limit.trim()})`);
  const tamperedAt = Date.now();
  await writeFile(file, '33554432');
  const event = await driftEvent(
    context,
    'holdfast.drift.detected',
    'containers[app].resources.limits.memory',
    tamperedAt,
  );
  await driftEvent(context, 'holdfast.drift.corrected', 'containers[app].resources.limits.memory', tamperedAt);
  stage.show(`${event.name} ${JSON.stringify(event.attributes)}`);
  stage.check(`the limit is ${limit.trim()} again`, (await readFile(file, 'utf8')) === limit);
  stage.check('the container was not restarted', runningPids(await fleet.status())[name] === pid);
}

/** The agent dies; its containers do not, and the next agent knows them again. */
export async function agentKilled(context: SceneContext): Promise<void> {
  const { fleet, stage } = context;
  stage.scene('kill -9 of the agent');
  await fleet.until('all is well', (now) => holds(now, 'Synced'));
  const before = runningPids(await fleet.status());
  await context.killAgent();
  stage.say('the agent is dead');
  await showCommand(context, 'ps');
  stage.check('every container runs on', Object.values(before).every(isAlive));
  await context.startAgent();
  const status = await fleet.until('the new agent has taken over', (now) => holds(now, 'Synced'));
  stage.check(
    'the new agent adopted all of them, none restarted',
    JSON.stringify(runningPids(status)) === JSON.stringify(before),
  );
}

function firstWeb(pids: Readonly<Record<string, number>>): readonly [string, number] {
  const found = Object.entries(pids).find(([name]) => name.startsWith('default_web'));
  if (found === undefined) throw new Error('web does not run');
  return found;
}

function driftEvent({ fleet }: SceneContext, name: string, field: string, sinceMs: number): Promise<ReceivedEvent> {
  return fleet.collector.waitFor(({ events }) =>
    events.find(
      (event) => event.name === name && event.attributes['holdfast.drift.field'] === field && event.at >= sinceMs,
    ),
  );
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
