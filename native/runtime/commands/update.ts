import { readFileSync } from 'node:fs';
import * as z from 'zod';
import { BackendError } from '../../errors.ts';
import { type BundleResources, resourcesSchema } from '../config/resources-schema.ts';
import { openGroup } from '../container/groups.ts';
import { expectStatus, type RuntimeContext } from '../runtime-context.ts';

const STDIN = 0;

/**
 * Changes what a container may take of the node, in place. What is not named stays as it is.
 * @param asked a part of `linux.resources`. @throws BackendError `no-resources`, `unsupported`; then nothing changed.
 */
export async function updateContainer(context: RuntimeContext, id: string, asked: unknown): Promise<void> {
  const container = await expectStatus(context, id, ['created', 'running', 'paused']);
  const before = container.resources;
  const changes = parseResources(asked);
  const sameDevices = JSON.stringify(changes.devices) === JSON.stringify(before.devices);
  if (changes.devices.length > 0 && !sameDevices) {
    throw invalid('devices: are settled when a container is created; leave them out');
  }
  const resources = mergeResources(before, changes);
  const group = await openGroup(container.cgroupPath);
  const clamped = await group.update(resources, before);
  await context.store.save({ ...container, resources });
  for (const setting of clamped) context.log.warn(`this node holds ${setting} only in part`);
}

/** Reads `linux.resources` in JSON from a file, or from standard input for `-`. */
export function readResources(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path === '-' ? STDIN : path, 'utf8'));
  } catch (cause) {
    throw invalid(`${path}: ${(cause as Error).message}`);
  }
}

function parseResources(asked: unknown): BundleResources {
  const parsed = resourcesSchema.safeParse(asked);
  if (parsed.success) return parsed.data;
  throw invalid(parsed.error.issues.map((issue) => `${z.core.toDotPath(issue.path)}: ${issue.message}`).join('; '));
}

/** Numbers that are 0 stand for what is not named, as in other runtimes; idle, priorities and classes may be 0. */
function mergeResources(before: BundleResources, changes: BundleResources): BundleResources {
  const { memory, cpu, pids, blockIO, hugepageLimits, network, unified } = changes;
  return {
    devices: before.devices,
    rdma: undefined,
    memory: merge(before.memory, memory, ['limit', 'reservation', 'swap', 'kernel', 'kernelTCP']),
    cpu: merge(before.cpu, cpu, ['shares', 'quota', 'period', 'realtimePeriod', 'realtimeRuntime']),
    pids: merge(before.pids, pids, ['limit']),
    blockIO: merge(before.blockIO, blockIO, ['weight']),
    hugepageLimits: hugepageLimits && [
      ...(before.hugepageLimits ?? []).filter((old) => !hugepageLimits.some((each) => each.pageSize === old.pageSize)),
      ...hugepageLimits,
    ],
    network: merge(before.network, network, []),
    unified: merge(before.unified, unified, []),
  };
}

function merge<T extends object>(
  before: T | undefined,
  changes: T | undefined,
  zeroIsNone: readonly (keyof T)[],
): T | undefined {
  if (changes === undefined) return before;
  const named = Object.entries(changes).filter(
    ([key, value]) => value !== undefined && !(value === 0 && zeroIsNone.includes(key as keyof T)),
  );
  return { ...before, ...Object.fromEntries(named) } as T;
}

function invalid(message: string): BackendError {
  return new BackendError('invalid-spec', 'update', `linux.resources: ${message}`);
}
