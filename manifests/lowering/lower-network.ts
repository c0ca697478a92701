import type { WrittenNetwork } from '../kinds/network.ts';
import type { Network } from '../resource.ts';
import { lowerMetadata } from './lower-resource.ts';

/** @returns what a Network means: the node chooses the ranges that are not written, and the way out is open. */
export function lowerNetwork({ metadata, spec = {} }: WrittenNetwork): Network {
  return {
    kind: 'Network',
    ...lowerMetadata(metadata),
    subnet4: spec.subnets?.subnet4 ?? null,
    subnet6: spec.subnets?.subnet6 ?? null,
    isOutbound: spec.outbound ?? true,
  };
}
