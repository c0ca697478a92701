import type { VerifiedEvidence } from '../../agent/images/evidence.ts';
import {
  ImageError,
  type ImageErrorCode,
  type ImageSource,
  type ResolvedImage,
} from '../../agent/images/image-source.ts';
import { digestOf } from '../../manifests/index.ts';
import { SOUND_FACTS } from './image-facts.ts';

/** Images without a registry. Every reference resolves, unless it was made to fail. */
export interface FakeImages extends ImageSource {
  /** Every call for this reference (or its digest) fails like this, until `repair`. */
  breakDown(reference: string, code: ImageErrorCode): void;
  repair(reference: string): void;
  /** Changes what is known of a reference: its user, its signatures. */
  describe(reference: string, facts: Partial<ResolvedImage['facts']>): void;
  /** Changes who vouches for it: nobody unless given. */
  vouch(reference: string, evidence: Partial<VerifiedEvidence>): void;
  readonly pulled: ReadonlySet<string>;
}

/** Makes an image source whose images are signed, pinned and run as user 1000 unless described otherwise. */
export function createFakeImages(): FakeImages {
  const broken = new Map<string, ImageErrorCode>();
  const described = new Map<string, Partial<ResolvedImage['facts']>>();
  const vouched = new Map<string, Partial<VerifiedEvidence>>();
  const pulled = new Set<string>();
  const digestFor = (reference: string): string =>
    /@(sha256:[0-9a-f]{64})$/.exec(reference)?.[1] ?? digestOf(reference);
  const answer = (reference: string): ResolvedImage => {
    const digest = digestFor(reference);
    const pinnedDigest = reference.includes('@') ? digest : null;
    return {
      reference,
      evidence: { signatures: [], attestations: [], rejected: [], ...vouched.get(reference) },
      facts: { ...SOUND_FACTS, digest, topDigest: digest, pinnedDigest, user: '1000', ...described.get(reference) },
      config: { entrypoint: ['/bin/app'], cmd: [], env: [], workingDir: '/', user: '1000', stopSignal: '' },
      size: 1,
    };
  };
  const check = (reference: string): void => {
    const code = [...broken].find(([name]) => name === reference || digestFor(name) === reference)?.[1];
    if (code !== undefined) throw new ImageError(code, reference, `${reference} is broken: ${code}`);
  };
  return {
    pulled,
    breakDown: (reference, code) => void broken.set(reference, code),
    repair: (reference) => void broken.delete(reference),
    describe: (reference, facts) => void described.set(reference, facts),
    vouch: (reference, evidence) => void vouched.set(reference, evidence),
    resolve: async (reference) => {
      check(reference);
      return answer(reference);
    },
    recall: async (reference, digest) => {
      check(reference);
      const image = answer(reference);
      return image.facts.digest === digest ? image : null;
    },
    pull: async (digest) => {
      check(digest);
      pulled.add(digest);
    },
    isPresent: async (digest) => pulled.has(digest),
    layers: async (digest) => {
      if (!pulled.has(digest)) throw new ImageError('not-present', digest, `${digest} is not on this node`);
      return [];
    },
  };
}
