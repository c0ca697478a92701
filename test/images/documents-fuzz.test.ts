import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseImageConfig } from '../../agent/images/documents/config.ts';
import { parseImageDocument } from '../../agent/images/documents/manifest.ts';
import { ImageError } from '../../agent/images/image-source.ts';
import { parseChallenge } from '../../agent/images/registry/challenge.ts';
import { parseImageReference } from '../../manifests/index.ts';
import { fuzzing } from '../world/fuzz.ts';

const SEED = fuzzing(2_000);

const digest = `sha256:${'a'.repeat(64)}`;
const descriptor = { mediaType: 'application/vnd.oci.image.config.v1+json', digest, size: 5 };
const MANIFEST = {
  schemaVersion: 2,
  config: descriptor,
  layers: [descriptor],
  manifests: undefined,
  subject: descriptor,
};

/** A manifest of which some fields, at any depth, are anything. */
const almostManifest = fc
  .dictionary(fc.constantFrom('schemaVersion', 'config', 'layers', 'manifests', 'subject', 'mediaType'), fc.jsonValue())
  .map((changes) => JSON.stringify({ ...MANIFEST, ...changes }));

/** @returns a code for a refusal; anything else that is thrown is thrown on. */
function codeOf(parse: () => unknown): string | null {
  try {
    parse();
    return null;
  } catch (error) {
    if (error instanceof ImageError) return error.code;
    throw error;
  }
}

test('whatever a registry calls a manifest is read or refused', () => {
  const texts = fc.oneof(almostManifest, fc.json(), fc.string());
  fc.assert(
    fc.property(texts, (text) => {
      expect([null, 'bad-manifest']).toContain(codeOf(() => parseImageDocument(Buffer.from(text), 'r')));
      expect([null, 'bad-manifest']).toContain(codeOf(() => parseImageConfig(Buffer.from(text), 'r')));
    }),
    SEED,
  );
});

test('bytes that are no text are refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1 }), (bytes) => {
      expect([null, 'bad-manifest']).toContain(codeOf(() => parseImageDocument(bytes, 'r')));
    }),
    SEED,
  );
});

test('a reference is refused, or has parts that are safe in a path and a URL', () => {
  const parts = fc.array(
    fc.oneof(fc.constantFrom('/', ':', '@', '..', 'sha256', digest, 'a', 'A', '-', '.'), fc.string()),
  );
  fc.assert(
    fc.property(
      parts.map((each) => each.join('')),
      (text) => {
        const parsed = parseImageReference(text);
        if (typeof parsed === 'string') return;
        expect(parsed.registry).toMatch(/^[A-Za-z0-9.:[\]-]+$/);
        expect(parsed.repository).toMatch(/^[a-z0-9]+(?:[._/-]+[a-z0-9]+)*$/);
        expect(parsed.repository.split('/')).not.toContain('..');
        if (parsed.tag !== null) expect(parsed.tag).toMatch(/^\w[\w.-]{0,127}$/);
      },
    ),
    SEED,
  );
});

test('whatever challenge a registry sends, reading it ends well', () => {
  const header = fc
    .tuple(fc.constantFrom('Bearer ', 'Basic ', 'bearer realm=', ''), fc.string())
    .map((each) => each.join(''));
  fc.assert(
    fc.property(header, (text) => {
      const challenge = parseChallenge(text);
      if (challenge !== null) expect(['basic', 'bearer']).toContain(challenge.scheme);
    }),
    SEED,
  );
});
