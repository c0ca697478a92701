import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { formatImageReference, type ImageReference, parseImageReference } from '../../manifests/index.ts';
import { holds } from './holds.ts';

const DIGEST = `sha256:${'0123456789abcdef'.repeat(4)}`;

describe('an image reference', () => {
  test.each([
    ['busybox', 'docker.io/library/busybox:latest'],
    ['busybox:1.36', 'docker.io/library/busybox:1.36'],
    [`busybox@${DIGEST}`, `docker.io/library/busybox@${DIGEST}`],
    [`busybox:1.36@${DIGEST}`, `docker.io/library/busybox:1.36@${DIGEST}`],
    ['grafana/grafana', 'docker.io/grafana/grafana:latest'],
    ['docker.io/busybox', 'docker.io/library/busybox:latest'],
    ['index.docker.io/busybox', 'docker.io/library/busybox:latest'],
    ['localhost/a', 'localhost/a:latest'],
    ['localhost:5000/a:b', 'localhost:5000/a:b'],
    ['127.0.0.1:5000/team/a', '127.0.0.1:5000/team/a:latest'],
    ['[::1]:5000/a', '[::1]:5000/a:latest'],
    ['Registry/a', 'Registry/a:latest'],
    ['registry.example.com/a/b/c__d-e.f:v1_2', 'registry.example.com/a/b/c__d-e.f:v1_2'],
  ])('%s means %s', (written, meant) => {
    const reference = parseImageReference(written);
    expect(reference).toBeInstanceOf(Object);
    expect(formatImageReference(reference as ImageReference)).toBe(meant);
    expect(parseImageReference(meant)).toEqual(reference);
  });

  test('is taken apart', () => {
    expect(parseImageReference(`r.example:5000/a/b:c@${DIGEST}`)).toEqual({
      registry: 'r.example:5000',
      repository: 'a/b',
      tag: 'c',
      digest: DIGEST,
    });
    expect(parseImageReference(`a@${DIGEST}`)).toMatchObject({ tag: null, digest: DIGEST });
  });

  test.each([
    ['', /names no image/],
    ['registry.example.com/', /names no image/],
    [' busybox', /white space/],
    ['busybox\n', /white space/],
    ['Busybox', /malformed name part `Busybox`/],
    ['a//b', /malformed name part ``/],
    ['/a', /malformed name part ``/],
    ['a/b/', /malformed name part ``/],
    ['a/../b', /malformed name part `\.\.`/],
    ['a___b', /malformed name part/],
    ['busybox:', /malformed tag/],
    ['busybox:-a', /malformed tag/],
    [`busybox:${'a'.repeat(129)}`, /malformed tag/],
    ['busybox@', /malformed digest/],
    ['busybox@sha256:abc', /malformed digest/],
    [`busybox@${DIGEST.toUpperCase()}`, /malformed digest/],
    [`busybox@sha512:${'a'.repeat(128)}`, /malformed digest/],
    [`busybox@${DIGEST}@${DIGEST}`, /more than one `@`/],
    ['https://registry.example.com/a', /malformed registry/],
    ['registry-.example/a', /malformed registry/],
    ['registry.example:0/a', /malformed registry/],
    ['registry.example:70000/a', /malformed registry/],
    ['user:password@registry.example/a', /malformed digest/],
    ['a'.repeat(300), /longer than 255/],
    ['0'.repeat(64), /image id/],
  ])('%j is refused', (written, problem) => {
    expect(parseImageReference(written)).toEqual(expect.stringMatching(problem));
  });

  test('survives being written and read again', () => {
    const part = fc.stringMatching(/^[a-z0-9]{1,8}([._-][a-z0-9]{1,4})?$/);
    const reference = fc
      .record({
        registry: fc.constantFrom('docker.io', 'localhost', 'r.example', '10.0.0.1:5000', '[fd00::1]:443'),
        repository: fc.array(part, { minLength: 2, maxLength: 4 }).map((parts) => parts.join('/')),
        tag: fc.option(fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}$/)),
        digest: fc.option(fc.stringMatching(/^sha256:[0-9a-f]{64}$/)),
      })
      .filter(({ tag, digest }) => tag !== null || digest !== null);
    holds(fc.property(reference, (it) => expect(parseImageReference(formatImageReference(it))).toEqual(it)));
  });

  test('of any text is a reference or a reason', () => {
    holds(
      fc.property(fc.string(), (text) => {
        const reference = parseImageReference(text);
        if (typeof reference !== 'string')
          expect(parseImageReference(formatImageReference(reference))).toEqual(reference);
      }),
    );
  });
});
