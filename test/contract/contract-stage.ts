import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect } from '@jest/globals';
import type {
  ContainerBackend,
  ContainerRef,
  ContainerSpec,
  Limits,
  ObservedContainer,
  ObservedSandbox,
  SandboxSpec,
} from '../../native/index.ts';
import { patience } from '../world/patience.ts';
import { containerSpec, type ProgramName } from './container-programs.ts';
import type { ContractGround } from './contract-ground.ts';

export const NO_LIMITS: Limits = { memoryBytes: null, cpuMillis: null, pids: null };
export const LIMITS: Limits = { memoryBytes: 64 * 2 ** 20, cpuMillis: 500, pids: 64 };

/** How long a test waits for what must happen soon. */
export const PATIENCE_MS = patience(15_000);

/** What a test of the contract works with: a ground and a sandbox name of its own, and words for what is often said. */
export interface ContractStage {
  readonly ground: ContractGround;
  readonly backend: ContainerBackend;
  /** To be made with `createSandbox`; removed after the test, when nothing may be left of it. */
  readonly sandbox: SandboxSpec;
  /** Starts a container, called `app` unless given. */
  start(program: ProgramName, limits?: Limits, name?: string): Promise<ContainerSpec>;
  observedSandbox(from?: ContainerBackend): Promise<ObservedSandbox | undefined>;
  observed(ref: ContainerRef, from?: ContainerBackend): Promise<ObservedContainer | undefined>;
  /** The container as observed; fails the test when it is not. */
  present(ref: ContainerRef): Promise<ObservedContainer>;
  /** The container as observed once it has ended. */
  exited(ref: ContainerRef): Promise<ObservedContainer>;
}

/** Sets the stage anew for each test of the surrounding `describe`. */
export function contractStage(setup: () => Promise<ContractGround>): ContractStage {
  let ground: ContractGround;
  let sandbox: SandboxSpec;

  beforeEach(async () => {
    ground = await setup();
    const id = `contract-${randomBytes(4).toString('hex')}`;
    sandbox = { id, labels: { app: 'web', digest: 'a=b c' }, hostname: 'web-0', network: 'private', users: 'private' };
  });

  afterEach(async () => {
    try {
      await ground.backend.removeSandbox(sandbox.id);
      for (const { name } of (await ground.backend.observe()).networks) await ground.backend.removeNetwork(name);
      expect(await ground.leftovers(sandbox.id)).toEqual([]);
    } finally {
      await ground.close();
    }
  });

  const stage: ContractStage = {
    get ground() {
      return ground;
    },
    get backend() {
      return ground.backend;
    },
    get sandbox() {
      return sandbox;
    },
    start: async (program, limits = LIMITS, name = 'app') => {
      const spec = containerSpec({ sandboxId: sandbox.id, name, program, limits, ground });
      await ground.backend.startContainer(spec);
      return spec;
    },
    observedSandbox: async (from = ground.backend) =>
      (await from.observe()).sandboxes.find(({ id }) => id === sandbox.id),
    observed: async (ref, from) =>
      (await stage.observedSandbox(from))?.containers.find((container) => container.name === ref.name),
    present: async (ref) => {
      const container = await stage.observed(ref);
      if (container === undefined) throw new Error(`container ${ref.name} is not observed`);
      return container;
    },
    exited: async (ref) => {
      await until(async () => (await stage.present(ref)).state === 'exited');
      return stage.present(ref);
    },
  };
  return stage;
}

/** Waits until it is true. @throws when that takes longer than `PATIENCE_MS`. */
export async function until(isTrue: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  while (!(await isTrue())) {
    if (Date.now() > deadline) throw new Error(`did not happen in ${PATIENCE_MS} ms: ${isTrue}`);
    await sleep(10);
  }
}
