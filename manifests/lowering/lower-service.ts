import type { WrittenService } from '../kinds/service.ts';
import type { Service } from '../resource.ts';
import { lowerMetadata } from './lower-resource.ts';

/** @returns what a Service means on one node. Both internal traffic policies mean the same there. */
export function lowerService({ metadata, spec }: WrittenService): Service {
  return {
    kind: 'Service',
    ...lowerMetadata(metadata),
    selector: spec.selector,
    isHeadless: spec.clusterIP === 'None',
    hasUnreadyPods: spec.publishNotReadyAddresses ?? false,
    ports: (spec.ports ?? []).map(({ name = null, protocol = 'TCP', port, targetPort }) => ({
      name,
      protocol,
      port,
      targetPort: targetPort ?? port,
    })),
  };
}
