import type { Fleet } from '../../world/fleet.ts';
import type { BuiltImage } from '../../world/image-builder.ts';
import type { Stage } from '../stage.ts';

/** What every scene plays with. */
export interface SceneContext {
  readonly fleet: Fleet;
  readonly stage: Stage;
  /** Starts the agent; the newest one is stopped at the end. */
  readonly startAgent: () => Promise<void>;
  /** Ends the agent as a crash would. */
  readonly killAgent: () => Promise<void>;
  readonly images: Readonly<Record<'v1' | 'v2' | 'unsigned', BuiltImage>>;
}

/** Runs a verb and shows the command line and what it printed. */
export async function showCommand({ fleet, stage }: SceneContext, ...args: readonly string[]): Promise<void> {
  const { stdout, stderr } = await fleet.holdfast(...args);
  stage.say(`$ holdfast ${args.join(' ')}`);
  stage.show(stdout + stderr);
}
