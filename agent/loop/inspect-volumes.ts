import type { OverLimitWatch } from '../execute/over-limit.ts';
import { hasPodFiles, inspectPodFiles, type PodFilesPorts } from '../execute/write-pod-files.ts';
import type { MaterialStore } from '../material/material-store.ts';
import type { InspectVolumes } from '../observe/observe.ts';
import type { StaleFiles, Version } from '../reconcile/state.ts';
import type { DesiredBoard } from './desired-board.ts';

/** What a look at the volumes of pods needs. */
export interface InspectPorts extends PodFilesPorts {
  readonly board: Pick<DesiredBoard, 'version'>;
  readonly material: Pick<MaterialStore, 'at'>;
  readonly overLimits: OverLimitWatch;
}

/**
 * @returns a look at the volumes of the pods whose version is known and may run. The others are left as they are: they
 * go, or their version comes back.
 */
export function createInspectVolumes(ports: InspectPorts): InspectVolumes {
  return async (pod) => {
    const version = ports.board.version(pod.identity, pod.key);
    if (version === undefined) return {};
    const [staleFiles, overLimits] = await Promise.all([
      filesOf(ports, pod.id, version),
      ports.overLimits.look(pod.id, version.workload.pod),
    ]);
    return { ...(staleFiles.length === 0 ? {} : { staleFiles }), ...(overLimits.length === 0 ? {} : { overLimits }) };
  };
}

async function filesOf(ports: InspectPorts, podId: string, version: Version): Promise<readonly StaleFiles[]> {
  if (!hasPodFiles(version)) return [];
  try {
    return await inspectPodFiles(ports, podId, version, await ports.material.at(version.revision));
  } catch {
    // The pod died meanwhile, or a lost commit keeps its files from being known: they are left as they are.
    return [];
  }
}
