import * as z from 'zod';
import { strictFields } from '../schema/known-fields.ts';
import { quoted } from '../text/quoted.ts';
import { parseAddress } from '../values/subnet.ts';
import { dnsLabel, dnsSubdomain } from './names.ts';

/** The annotation by which a pod chooses its networks: names of `Network`s of its namespace, or `none`. */
export const NETWORKS_ANNOTATION = 'holdfast.dev/networks';

/** A pod has a card on each; more would be a slip. */
const MOST_NETWORKS = 8;
/** What resolvers heed (resolv.conf(5)). */
const MOST_NAMESERVERS = 3;
const MOST_SEARCHES = 32;
const MOST_ALIASES = 64;

/** An address without a zone, in the form it will be used in. */
export const ipAddress = z.string().refine((text) => parseAddress(text) !== null, {
  error: 'must be an IPv4 or IPv6 address without a zone',
});

/** PodDNSConfig as written. */
export const dnsConfig = strictFields(
  {
    nameservers: z.array(ipAddress).max(MOST_NAMESERVERS).optional(),
    searches: z.array(dnsSubdomain).max(MOST_SEARCHES).optional(),
    options: z
      .array(
        strictFields(
          {
            name: z.string().regex(/^[a-z0-9-]{1,32}$/, { error: 'must be a resolver option such as `ndots`' }),
            value: z
              .string()
              .regex(/^\d{1,5}$/, { error: 'must be a number in quotes' })
              .optional(),
          },
          [],
        ),
      )
      .max(16)
      .optional(),
  },
  [],
);

/** HostAlias as written. */
export const hostAlias = strictFields({ ip: ipAddress, hostnames: z.array(dnsSubdomain).min(1).max(MOST_ALIASES) }, []);

/** Names of networks, or what is wrong with the annotation. `default` alone is what holds without it: null. */
export function parseNetworks(text: string): { readonly networks: null | 'none' | readonly string[] } | string {
  const names = text.split(',').map((name) => name.trim());
  if (text.trim() === '' || text.trim() === 'none') return { networks: 'none' };
  const wrong = names.find((name) => !dnsLabel.safeParse(name).success);
  if (wrong !== undefined)
    return `${quoted(wrong)} is no name of a network; write names with commas between them, or \`none\``;
  if (names.includes('none')) return '`none` is no network among others; remove it, or the others';
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) return `${quoted(twice)} is named twice; keep one`;
  if (names.length > MOST_NETWORKS) return `must name at most ${MOST_NETWORKS} networks`;
  return { networks: names.length === 1 && names[0] === 'default' ? null : names };
}

/** What of a pod its networks depend on. */
interface Written {
  readonly annotations: Readonly<Record<string, string>> | undefined;
  readonly hostNetwork: boolean | undefined;
  readonly ports: readonly { readonly hostPort?: number | undefined }[];
}

/** Reports a wrong annotation, and one that contradicts the pod. @param steps where the metadata is. */
export function checkNetworks(written: Written, steps: readonly string[], context: z.RefinementCtx): void {
  const { [NETWORKS_ANNOTATION]: annotation } = written.annotations ?? {};
  if (annotation === undefined) return;
  const complain = (message: string): void =>
    context.addIssue({ code: 'custom', path: [...steps, 'annotations', NETWORKS_ANNOTATION], message });
  const parsed = parseNetworks(annotation);
  if (typeof parsed === 'string') complain(parsed);
  else if (written.hostNetwork) complain('has no meaning with `hostNetwork: true`; remove one of the two');
  else if (parsed.networks === 'none' && written.ports.some(({ hostPort }) => hostPort !== undefined))
    complain('a pod without a network cannot have a `hostPort`; remove one of the two');
}
