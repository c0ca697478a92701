import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { BackendError } from '../errors.ts';
import type { Base } from './base.ts';
import { cannotHold } from './controls/control.ts';
import { writeSlowControl } from './files.ts';
import type { CgroupGround } from './ground.ts';
import { prepare } from './prepare.ts';

/** One write to a control file that no limit of ours has a word for. */
export interface RawWrite {
  /** What asked for it, for the error. */
  readonly field: string;
  /** Of v1, or of v2, as the ground is. */
  readonly controller: string;
  readonly file: string;
  readonly value: string;
}

/** Writes control files of a group in order. @throws BackendError `unsupported` naming the field for one this node does not have. */
export async function writeRaw(ground: CgroupGround, group: string, writes: readonly RawWrite[]): Promise<void> {
  for (const write of writes) {
    const base = baseOf(ground, write);
    const isOnDemand = ground.enteredOnDemand.includes(base);
    await prepare(ground, group, {
      hierarchy: isOnDemand ? base : null,
      controller: ground.version === 2 ? { name: write.controller, base } : null,
    });
    await writeOne(join(base.directory, group), write);
  }
}

function baseOf({ version, unified, v1 }: CgroupGround, { controller, field }: RawWrite): Base {
  const base = version === 2 ? unified : v1.get(controller);
  if (base != null) return base;
  throw cannotHold(field, `the ${controller} controller is not mounted`);
}

async function writeOne(directory: string, { field, file, value }: RawWrite): Promise<void> {
  try {
    await writeSlowControl(join(directory, file), value);
  } catch (cause) {
    const isMissing = cause instanceof BackendError && cause.code === 'not-found' && existsSync(directory);
    if (isMissing) throw cannotHold(field, `this node has no ${file}`, cause);
    if (cause instanceof BackendError && cause.errno !== 'EBUSY') throw cannotHold(field, cause.message, cause);
    throw cause;
  }
}
