import * as z from 'zod';
import { strictFields } from '../schema/known-fields.ts';
import { quoted } from '../text/quoted.ts';
import { repositoryScopeProblem } from '../values/repository-scope.ts';
import { imageAuthority } from './image-authority.ts';
import { UNSUPPORTED } from './kubernetes-fields.ts';
import { resourceMetadata } from './metadata.ts';
import { labelMap } from './names.ts';

const MOST_REPOSITORIES = 256;
const MOST_AUTHORITIES = 32;
const MOST_ATTESTATIONS = 32;
const MOST_REVOKED = 1_024;
const LONGEST_AGE_HOURS = 10 * 366 * 24;

const repository = z.string().superRefine((text, context) => {
  const message = repositoryScopeProblem(text);
  if (message !== null) context.addIssue({ code: 'custom', message });
});

const count = z.number().int().min(1).max(MOST_AUTHORITIES);

const requiredAttestation = strictFields(
  {
    predicateType: z
      .string()
      .regex(/^[a-z][a-z0-9+.-]*:\S+$/i, { error: 'must be a URI such as `https://slsa.dev/provenance/v1`' }),
    authorities: z.array(z.string()).min(1).max(MOST_AUTHORITIES).optional(),
    threshold: count.optional(),
    maxAgeHours: z.number().positive().max(LONGEST_AGE_HOURS).optional(),
  },
  [],
);

const fingerprint = z.string().regex(/^sha256:[0-9a-f]{64}$/, {
  error: 'must be `sha256:` and 64 lower-case hex digits, of the public key or certificate in DER',
});

const spec = strictFields(
  {
    nodeSelector: labelMap.optional(),
    repositories: z.array(repository).min(1).max(MOST_REPOSITORIES),
    acceptUnsigned: z.literal(true).optional(),
    authorities: z.array(imageAuthority).max(MOST_AUTHORITIES).optional(),
    threshold: z.number().int().min(0).max(MOST_AUTHORITIES).optional(),
    attestations: z.array(requiredAttestation).max(MOST_ATTESTATIONS).optional(),
    revoked: z.array(fingerprint).max(MOST_REVOKED).optional(),
  },
  [],
);

/** `holdfast.dev/v1alpha1 ImagePolicy` as written. */
export const imagePolicy = strictFields(
  {
    apiVersion: z.literal('holdfast.dev/v1alpha1'),
    kind: z.literal('ImagePolicy'),
    metadata: resourceMetadata.superRefine(({ namespace }, context) => {
      if (namespace === undefined) return;
      const message = 'must not be written: an ImagePolicy holds in every namespace; remove it';
      context.addIssue({ code: 'custom', path: ['namespace'], message });
    }),
    spec: spec.superRefine((written, context) => {
      for (const { path, message } of specProblems(written))
        context.addIssue({ code: 'custom', path: [...path], message });
    }),
  },
  UNSUPPORTED.document,
);

/** `holdfast.dev/v1alpha1 ImagePolicy` as written. */
export type WrittenImagePolicy = z.output<typeof imagePolicy>;

interface SpecProblem {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

function specProblems(written: z.output<typeof spec>): readonly SpecProblem[] {
  const { acceptUnsigned, authorities = [], threshold = 1, attestations = [], revoked = [] } = written;
  if (acceptUnsigned) {
    if (authorities.length + attestations.length + revoked.length === 0 && written.threshold === undefined) return [];
    return [
      { path: ['acceptUnsigned'], message: 'must not be there beside what images must have; remove one of the two' },
    ];
  }
  const names = authorities.map(({ name }) => name);
  if (names.length === 0) {
    const message =
      'must name who signs; or write `acceptUnsigned: true`, and images of these repositories run unsigned';
    return [{ path: ['authorities'], message }];
  }
  const nothing = 'must be 1 or more, unless `attestations` asks for what images must have instead';
  return [
    ...repeated(names).map((index): SpecProblem => {
      return {
        path: ['authorities', index, 'name'],
        message: `${quoted(names[index] ?? '')} is there twice; rename one`,
      };
    }),
    ...(threshold === 0 && attestations.length === 0 ? [{ path: ['threshold'], message: nothing }] : []),
    ...attestations.flatMap((attestation, index) => unknownNames(attestation.authorities ?? [], names, index)),
  ];
}

function unknownNames(asked: readonly string[], names: readonly string[], index: number): readonly SpecProblem[] {
  return asked.flatMap((name, nth) => {
    if (names.includes(name)) return [];
    const message = `${quoted(name)} is none of the authorities: ${names.map(quoted).join(', ')}`;
    return [{ path: ['attestations', index, 'authorities', nth], message }];
  });
}

function repeated(names: readonly string[]): readonly number[] {
  return names.flatMap((name, index) => (names.indexOf(name) < index ? [index] : []));
}
