import * as z from 'zod';
import { strictFields } from '../schema/known-fields.ts';
import { portName, portNumber } from './container-port.ts';
import { reportDuplicates } from './duplicates.ts';
import { UNSUPPORTED } from './kubernetes-fields.ts';
import { metadata } from './metadata.ts';
import { labelMap } from './names.ts';

const MOST_PORTS = 64;

const type = z.literal('ClusterIP', {
  error: ({ input }) =>
    input === 'NodePort' || input === 'LoadBalancer'
      ? `\`${input}\` is not supported: a port of the node is published by \`hostPort\` in the pod; remove it`
      : undefined,
});

const clusterIP = z.enum(['None', ''], {
  error: 'must be `None`, or left out: the node chooses the address',
});

const servicePort = strictFields(
  {
    name: portName.optional(),
    protocol: z.enum(['TCP', 'UDP']).optional(),
    port: portNumber,
    targetPort: z.union([portNumber, portName], { error: 'must be a port number, or the name of a port' }).optional(),
  },
  UNSUPPORTED.servicePort,
);

const spec = strictFields(
  {
    selector: labelMap,
    ports: z.array(servicePort).max(MOST_PORTS).optional(),
    type: type.optional(),
    clusterIP: clusterIP.optional(),
    publishNotReadyAddresses: z.boolean().optional(),
    sessionAffinity: z.literal('None').optional(),
    internalTrafficPolicy: z.enum(['Cluster', 'Local']).optional(),
  },
  UNSUPPORTED.serviceSpec,
).superRefine(({ selector, ports = [], clusterIP: address }, context) => {
  if (Object.keys(selector).length === 0) {
    const message = 'selects nothing; write the labels of its pods';
    context.addIssue({ code: 'custom', path: ['selector'], message });
  }
  if (address !== 'None' && ports.length === 0) {
    const message = 'needs at least one port, unless `clusterIP` is `None`';
    context.addIssue({ code: 'custom', path: ['ports'], message });
  }
  if (ports.length > 1) {
    for (const [index, { name }] of ports.entries()) {
      if (name !== undefined) continue;
      const message = 'needs a `name`, for there are several';
      context.addIssue({ code: 'custom', path: ['ports', index], message });
    }
  }
  reportDuplicates(context, {
    what: 'port name',
    items: ports,
    keyOf: ({ name }) => name,
    stepsTo: (index) => ['ports', index, 'name'],
  });
  reportDuplicates(context, {
    what: 'port',
    items: ports,
    keyOf: ({ port, protocol = 'TCP' }) => `${port}/${protocol}`,
    stepsTo: (index) => ['ports', index, 'port'],
  });
});

/** `v1 Service` as written. */
export const service = strictFields(
  { apiVersion: z.literal('v1'), kind: z.literal('Service'), metadata, spec },
  UNSUPPORTED.document,
);

/** `v1 Service` as written. */
export type WrittenService = z.output<typeof service>;
