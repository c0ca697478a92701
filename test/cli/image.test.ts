import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { fakeImageAdmin, sampleImage } from '../fakes/fake-image-admin.ts';
import { type BuiltImage, buildImage } from '../world/image-builder.ts';
import { type Registry, startRegistry } from '../world/registry.ts';
import { type CommandLine, makeCommandLine } from './command-line.ts';

let node: CommandLine;

beforeEach(async () => {
  node = await makeCommandLine();
});
afterEach(() => node.remove());

describe('the image verbs ask the agent', () => {
  test('for what is there', async () => {
    await node.serve({ images: fakeImageAdmin() });
    const { code, out } = await node.holdfast('image', 'ls');
    expect(code).toBe(0);
    expect(out.split('\n')[1]).toMatch(/^dddddddddddd +1\.5MiB +complete +- +\d+d +reg\.test\/app:1$/);
    expect(JSON.parse((await node.holdfast('-o', 'json', 'image', 'ls')).out)).toEqual([sampleImage]);
    expect((await node.holdfast('image', 'inspect', 'x')).out).toMatch(/kept +in use\n/);
  });

  test('to do things, in its own words', async () => {
    const calls: unknown[] = [];
    const note =
      <Answer>(name: string, answer: Answer) =>
      async (...args: readonly unknown[]): Promise<Answer> => {
        calls.push([name, ...args]);
        return answer;
      };
    const images = fakeImageAdmin({
      fetch: note('fetch', sampleImage),
      discard: note('discard', undefined),
      verify: note('verify', []),
      prune: note('prune', []),
    });
    await node.serve({ images });
    await node.holdfast('image', 'pull', 'a:1');
    await node.holdfast('image', 'pull', 'a:1', '--from', 'oci:/x');
    await node.holdfast('image', 'rm', 'a:1', 'b:1');
    await node.holdfast('image', 'verify');
    await node.holdfast('image', 'verify', 'a:1', '--repair');
    await node.holdfast('image', 'prune');
    await node.holdfast('image', 'prune', '--dry-run');
    expect(calls).toEqual([
      ['fetch', 'a:1', null],
      ['fetch', 'a:1', 'oci:/x'],
      ['discard', 'a:1'],
      ['discard', 'b:1'],
      ['verify', null, 'report'],
      ['verify', 'a:1', 'repair'],
      ['prune', 'remove'],
      ['prune', 'show'],
    ]);
  });

  test('whether layers are whole, and fail when one is not', async () => {
    const damage = { path: 'etc/passwd', what: 'its content was changed' };
    const finding = { diffId: 'sha256:1', images: ['sha256:2'], isRepaired: false, failure: null };
    const verify = async () => [{ ...finding, verdict: { state: 'damaged' as const, damage } }];
    await node.serve({ images: fakeImageAdmin({ verify }) });
    const { code, out } = await node.holdfast('image', 'verify');
    expect(code).toBe(1);
    expect(out).toContain(
      'DAMAGED  sha256:1 of sha256:2: etc/passwd: its content was changed\n0 of 1 layers are whole',
    );
  });

  test('how far the pulls are, in status too', async () => {
    const pull = {
      reference: 'a:1',
      digest: 'd',
      totalBytes: 2_048,
      doneBytes: 1_024,
      bytesPerSecond: 512,
      secondsLeft: 2,
    };
    await node.serve({ images: fakeImageAdmin({ pulls: () => [pull] }) });
    expect((await node.holdfast('status')).out).toMatch(/PULLING.*\na:1 +1\.0KiB +2\.0KiB +512B\/s +2s\n/);
    expect(JSON.parse((await node.holdfast('-o', 'json', 'status')).out).pulls).toEqual([pull]);
  });

  test('and pass on what it refuses', async () => {
    const discard = () => Promise.reject(Object.assign(new Error('a:1: the image stays'), { code: 'in-use' }));
    await node.serve({ images: fakeImageAdmin({ discard }) });
    expect(await node.holdfast('image', 'rm', 'a:1')).toMatchObject({ code: 1, err: expect.stringContaining('stays') });
    expect((await node.holdfast('image', 'rm')).code).toBe(2);
  });
});

describe('while the agent is down, the image verbs', () => {
  let registry: Registry;
  let image: BuiltImage;

  beforeAll(async () => {
    registry = await startRegistry();
    image = await buildImage({ registry: registry.host, name: 'app', tag: '1', layers: [[{ name: 'f' }]] });
  });
  afterAll(() => registry.stop());

  test('work on the store themselves', async () => {
    await node.configure({ images: { insecureRegistries: [registry.host] } });
    const pulled = await node.holdfast('image', 'pull', image.tagReference);
    expect(pulled).toMatchObject({ code: 0, out: `${image.tagReference} is ${image.digest}, complete and pinned\n` });
    expect((await node.holdfast('image', 'ls')).out).toContain(image.tagReference);
    expect((await node.holdfast('image', 'verify')).out).toBe('1 of 1 layers are whole\n');
    expect((await node.holdfast('image', 'prune')).out).toBe('nothing to remove\n');
    expect((await node.holdfast('image', 'rm', image.tagReference)).code).toBe(0);
    expect(JSON.parse((await node.holdfast('-o', 'json', 'image', 'ls')).out)).toEqual([]);
    expect((await node.holdfast('status')).code).toBe(4);
  });
});
