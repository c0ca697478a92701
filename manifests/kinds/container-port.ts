import * as z from 'zod';
import { strictFields } from '../schema/known-fields.ts';
import { formatAddress, parseAddress } from '../values/subnet.ts';

const LOOPBACK6 = 1n;

/** RFC 6335 service name, as in Kubernetes. */
export const portName = z
  .string()
  .max(15)
  .regex(/^(?=.*[a-z])[a-z0-9]+(-[a-z0-9]+)*$/, {
    error: 'must be lower-case letters, digits and single `-` between them, with at least one letter',
  });

/** A number of a TCP or UDP port. */
export const portNumber = z.int().min(1).max(65_535);

/** An address of the node, or null for all of them. */
const hostIP = z.string().transform((written, context) => {
  if (written === '') return null;
  const address = parseAddress(written);
  if (address !== null && address.value === 0n) return null;
  if (address !== null && !(address.family === 6 && address.value === LOOPBACK6))
    return formatAddress(address.family, address.value);
  const message =
    address === null
      ? 'must be an address of the node'
      : 'must not be `::1`, which the kernel forwards nothing from; `127.0.0.1` is possible';
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
});

/** ContainerPort as written. */
export const containerPort = strictFields(
  {
    name: portName.optional(),
    containerPort: portNumber,
    protocol: z.enum(['TCP', 'UDP', 'SCTP']).optional(),
    hostPort: portNumber.optional(),
    hostIP: hostIP.optional(),
  },
  [],
).superRefine(({ hostPort, hostIP: address, protocol }, context) => {
  if (hostPort === undefined && address !== undefined) {
    const message = 'has no meaning without `hostPort`; add that, or remove this';
    context.addIssue({ code: 'custom', path: ['hostIP'], message });
  }
  if (hostPort !== undefined && protocol === 'SCTP') {
    const message = 'a port of protocol SCTP cannot be published; remove it';
    context.addIssue({ code: 'custom', path: ['hostPort'], message });
  }
});
