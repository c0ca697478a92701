import * as z from 'zod';
import { strictFields } from '../schema/known-fields.ts';
import { quoted } from '../text/quoted.ts';
import { parseDistinguishedName } from '../values/distinguished-name.ts';
import { parseCertificates, parsePublicKey } from '../values/pem.ts';
import { exactlyOne } from './exactly-one.ts';
import { dnsLabel } from './names.ts';
import { trustedRootProblem } from './trusted-root.ts';

const MOST_IDENTITIES = 64;
/** A regular expression is read by whoever reviews the commit. */
const LONGEST_PATTERN = 512;
const LONGEST_TEXT = 256 * 1024;

const nodeFile = z.string().regex(/^\/[^\0]*$/, { error: 'must be an absolute path on the node' });

/** A text that is right in a commit, or a file of the node that is read when an image is judged. */
const checkedText = (problemOf: (text: string) => string | null) =>
  z
    .string()
    .max(LONGEST_TEXT)
    .superRefine((text, context) => {
      const message = problemOf(text);
      if (message !== null) context.addIssue({ code: 'custom', message });
    });

const problemIn = (parsed: unknown): string | null => (typeof parsed === 'string' ? parsed : null);

/** RFC 3339 in UTC to the second, so that the order of texts is the order in time. */
const instant = z.iso.datetime({ precision: 0, error: 'must be a time in UTC such as `2026-12-31T23:59:59Z`' });

const keyText = strictFields(
  { pem: checkedText((text) => problemIn(parsePublicKey(text))).optional(), file: nodeFile.optional() },
  [],
).superRefine(exactlyOne(['pem', 'file']));

const pattern = z
  .string()
  .min(1)
  .max(LONGEST_PATTERN)
  .superRefine((text, context) => {
    try {
      new RegExp(text, 'u');
    } catch {
      context.addIssue({ code: 'custom', message: 'is not a regular expression; escape what is meant as it stands' });
    }
  });

const someText = z.string().min(1).max(2048);

const keylessIdentity = strictFields(
  {
    issuer: someText.optional(),
    issuerPattern: pattern.optional(),
    subject: someText.optional(),
    subjectPattern: pattern.optional(),
  },
  [],
)
  .superRefine(exactlyOne(['issuer', 'issuerPattern']))
  .superRefine(exactlyOne(['subject', 'subjectPattern']));

const keyless = strictFields(
  {
    trustedRoot: strictFields(
      { json: checkedText(trustedRootProblem).optional(), file: nodeFile.optional() },
      [],
    ).superRefine(exactlyOne(['json', 'file'])),
    identities: z.array(keylessIdentity).min(1).max(MOST_IDENTITIES),
    logEntries: z.number().int().min(0).max(8).optional(),
    certificateLogs: z.number().int().min(0).max(8).optional(),
    timestamps: z.number().int().min(0).max(8).optional(),
  },
  [],
).superRefine(({ logEntries = 1, timestamps = 0 }, context) => {
  if (logEntries + timestamps > 0) return;
  const message = 'must ask for a log entry or a timestamp: without one nobody says when the signature was made';
  context.addIssue({ code: 'custom', message });
});

const subjectAttributes = z.string().transform((text, context) => {
  const parsed = parseDistinguishedName(text);
  if (typeof parsed !== 'string') return parsed;
  context.addIssue({ code: 'custom', message: parsed });
  return z.NEVER;
});

const notation = strictFields(
  {
    certificates: strictFields(
      { pem: checkedText((text) => problemIn(parseCertificates(text))).optional(), file: nodeFile.optional() },
      [],
    ).superRefine(exactlyOne(['pem', 'file'])),
    identities: z.array(subjectAttributes).min(1).max(MOST_IDENTITIES).optional(),
  },
  [],
);

/** One of an ImagePolicy's authorities as written. */
export const imageAuthority = strictFields(
  {
    name: dnsLabel,
    notBefore: instant.optional(),
    notAfter: instant.optional(),
    key: keyText.optional(),
    keyless: keyless.optional(),
    notation: notation.optional(),
  },
  [],
)
  .superRefine(exactlyOne(['key', 'keyless', 'notation']))
  .superRefine(({ notBefore, notAfter }, context) => {
    if (notBefore === undefined || notAfter === undefined || notBefore < notAfter) return;
    context.addIssue({
      code: 'custom',
      path: ['notAfter'],
      message: `must be later than \`notBefore\`, ${quoted(notBefore)}`,
    });
  });

/** One of an ImagePolicy's authorities as written. */
export type WrittenImageAuthority = z.output<typeof imageAuthority>;
