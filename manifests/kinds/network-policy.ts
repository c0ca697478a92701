import * as z from 'zod';
import { strictFields } from '../schema/known-fields.ts';
import { formatSubnet, parseSubnet, type Subnet, subnetSize } from '../values/subnet.ts';
import { portName, portNumber } from './container-port.ts';
import { UNSUPPORTED } from './kubernetes-fields.ts';
import { labelSelector } from './label-selector.ts';
import { resourceMetadata } from './metadata.ts';

/** Every peer is multiplied with every port; more of them would be a slip. */
const MOST_RULES = 64;
const MOST_PEERS = 64;
const MOST_PORTS = 64;
const MOST_EXCEPT = 64;

const cidr = z.string().transform((written, context): Subnet => {
  const subnet = parseSubnet(written);
  if (subnet !== null) return subnet;
  const message = 'must be a range such as `10.0.0.0/8` or `fd00::/8`, beginning at its first address';
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
});

const ipBlock = strictFields({ cidr, except: z.array(cidr).max(MOST_EXCEPT).optional() }, [])
  .superRefine((block, context) => {
    for (const [index, part] of (block.except ?? []).entries()) {
      if (isWithin(part, block.cidr)) continue;
      const message = `must be a part of \`cidr\`, smaller than it; remove it, or correct one of the two`;
      context.addIssue({ code: 'custom', path: ['except', index], message });
    }
  })
  .transform(({ cidr: whole, except = [] }) => ({ cidr: formatSubnet(whole), except: except.map(formatSubnet) }));

const peer = strictFields(
  { podSelector: labelSelector.optional(), namespaceSelector: labelSelector.optional(), ipBlock: ipBlock.optional() },
  [],
).superRefine((written, context) => {
  const hasSelector = written.podSelector !== undefined || written.namespaceSelector !== undefined;
  if (hasSelector !== (written.ipBlock !== undefined)) return;
  const message = 'must have either `ipBlock`, or `podSelector` and `namespaceSelector`, or one of these';
  context.addIssue({ code: 'custom', message });
});

const policyPort = strictFields(
  {
    protocol: z.enum(['TCP', 'UDP']).optional(),
    port: z.union([portNumber, portName], { error: 'must be a port number, or the name of a port' }).optional(),
    endPort: portNumber.optional(),
  },
  [],
).superRefine(({ port, endPort }, context) => {
  if (endPort === undefined || (typeof port === 'number' && endPort >= port)) return;
  const message = 'must not be less than `port`, which must be a number beside it';
  context.addIssue({ code: 'custom', path: ['endPort'], message });
});

const peers = z.array(peer).max(MOST_PEERS).optional();
const ports = z.array(policyPort).max(MOST_PORTS).optional();

const spec = strictFields(
  {
    podSelector: labelSelector,
    policyTypes: z
      .array(z.enum(['Ingress', 'Egress']))
      .min(1)
      .max(2)
      .optional(),
    ingress: z
      .array(strictFields({ from: peers, ports }, []))
      .max(MOST_RULES)
      .optional(),
    egress: z
      .array(strictFields({ to: peers, ports }, []))
      .max(MOST_RULES)
      .optional(),
  },
  [],
).superRefine((written, context) => {
  for (const [type, field] of [
    ['Ingress', 'ingress'],
    ['Egress', 'egress'],
  ] as const) {
    if (written[field] === undefined || (written.policyTypes?.includes(type) ?? true)) continue;
    const message = `has no effect without \`${type}\` in \`policyTypes\`; add that, or remove this`;
    context.addIssue({ code: 'custom', path: [field], message });
  }
});

/** `networking.k8s.io/v1 NetworkPolicy` as written. */
export const networkPolicy = strictFields(
  {
    apiVersion: z.literal('networking.k8s.io/v1'),
    kind: z.literal('NetworkPolicy'),
    metadata: resourceMetadata,
    spec,
  },
  UNSUPPORTED.document,
);

/** `networking.k8s.io/v1 NetworkPolicy` as written. */
export type WrittenNetworkPolicy = z.output<typeof networkPolicy>;
/** NetworkPolicyPeer as written. */
export type WrittenPeer = z.output<typeof peer>;
/** NetworkPolicyPort as written. */
export type WrittenPolicyPort = z.output<typeof policyPort>;

function isWithin(part: Subnet, whole: Subnet): boolean {
  if (part.family !== whole.family || part.prefixLength <= whole.prefixLength) return false;
  return part.first >= whole.first && part.first < whole.first + subnetSize(whole);
}
