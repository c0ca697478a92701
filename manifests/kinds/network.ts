import * as z from 'zod';
import { strictFields } from '../schema/known-fields.ts';
import { formatSubnet, parseSubnet } from '../values/subnet.ts';
import { UNSUPPORTED } from './kubernetes-fields.ts';
import { metadata } from './metadata.ts';

/** How large a network's ranges may be, in bits of prefix. */
const PREFIXES = { 4: { least: 8, most: 28 }, 6: { least: 8, most: 96 } } as const;
const UNIQUE_LOCAL = 0xfdn;

const subnets = z
  .array(z.string())
  .min(1)
  .max(2)
  .transform((written, context) => {
    const parsed = written.map((text, index) => {
      const subnet = parseSubnet(text);
      const problem = subnetProblem(subnet);
      if (problem !== null) context.addIssue({ code: 'custom', path: [index], message: problem });
      return subnet;
    });
    const [ipv4, ipv6] = ([4, 6] as const).map((family) => parsed.filter((subnet) => subnet?.family === family));
    if ((ipv4?.length ?? 0) > 1 || (ipv6?.length ?? 0) > 1)
      context.addIssue({ code: 'custom', message: 'must have one range of each family at most; remove one' });
    const text = ([subnet]: typeof parsed = []): string | null => (subnet ? formatSubnet(subnet) : null);
    return { subnet4: text(ipv4), subnet6: text(ipv6) };
  });

function subnetProblem(subnet: ReturnType<typeof parseSubnet>): string | null {
  if (subnet === null)
    return 'must be a range such as `10.1.0.0/24` or `fd42:1:2:3::/64`, beginning at its first address';
  const { least, most } = PREFIXES[subnet.family];
  if (subnet.prefixLength < least || subnet.prefixLength > most)
    return `must have a prefix of ${least} to ${most} bits in IPv${subnet.family}`;
  return subnet.family === 6 && subnet.first >> 120n !== UNIQUE_LOCAL
    ? 'must be a unique local range, which begin with `fd` (RFC 4193)'
    : null;
}

/** `holdfast.dev/v1alpha1 Network` as written. */
export const network = strictFields(
  {
    apiVersion: z.literal('holdfast.dev/v1alpha1'),
    kind: z.literal('Network'),
    metadata,
    spec: strictFields({ subnets: subnets.optional(), outbound: z.boolean().optional() }, []).optional(),
  },
  UNSUPPORTED.document,
).superRefine(({ metadata: { name } }, context) => {
  if (name !== 'none') return;
  const message = 'must not be `none`, which means no network at all; choose another';
  context.addIssue({ code: 'custom', path: ['metadata', 'name'], message });
});

/** `holdfast.dev/v1alpha1 Network` as written. */
export type WrittenNetwork = z.output<typeof network>;
