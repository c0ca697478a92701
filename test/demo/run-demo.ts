import { startFleet } from '../world/fleet.ts';
import type { Program } from '../world/program.ts';
import { firstConvergence, rollingChange } from './scenes/delivery.ts';
import { agentKilled, containerKilled, limitTampered } from './scenes/healing.ts';
import { deniedCommits, unsignedCommit } from './scenes/refusal.ts';
import type { SceneContext } from './scenes/scene.ts';
import { createStage, type Stage } from './stage.ts';

const SCENES: readonly ((context: SceneContext) => Promise<void>)[] = [
  firstConvergence,
  rollingChange,
  deniedCommits,
  unsignedCommit,
  containerKilled,
  limitTampered,
  agentKilled,
];

/**
 * Plays Holdfast's main job on real input: a Git server, a registry, signed images and commits, and a telemetry receiver
 * on loopback, one node's agent, and the kernel's own containers. Removes everything it made, also when it fails.
 * @param interrupted rejects when the demo shall end early.
 */
export async function runDemo(write: (text: string) => void, interrupted: Promise<never>): Promise<void> {
  const stage = createStage(write);
  stage.say('Starting a Git server, an image registry and an OpenTelemetry collector on loopback, and making keys ...');
  const fleet = await startFleet();
  let agent: Program | undefined;
  try {
    const context: SceneContext = {
      ...{ fleet, stage },
      startAgent: async () => {
        agent = await fleet.startAgent();
      },
      killAgent: async () => agent?.kill(),
      images: {
        v1: await fleet.publish('v1'),
        v2: await fleet.publish('v2'),
        unsigned: await fleet.publishUnsigned('unsigned'),
      },
    };
    for (const scene of SCENES) await Promise.race([scene(context), interrupted]);
  } finally {
    stage.say('\nCleaning up ...');
    await agent?.stop();
    await fleet.stop();
  }
  summarise(stage);
}

function summarise(stage: Stage): void {
  stage.scene('Summary');
  for (const { scene, promise } of stage.summary()) stage.say(`  ok  ${scene}: ${promise}`);
  stage.say(`\nAll ${stage.summary().length} promises were kept. Nothing of the demo is left on this machine.`);
}
