import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  createGpgSigner,
  createSshSigner,
  type GpgSigner,
  type Signer,
  type SshSigner,
  writeAllowedSigners,
} from '../world/signing.ts';
import { rejection, type SourceWorld, startSourceWorld } from './source-world.ts';

let world: SourceWorld;
let bob: GpgSigner;
let carol: GpgSigner;
let expired: GpgSigner;
let mallory: SshSigner;

beforeAll(async () => {
  world = await startSourceWorld();
  const directory = world.directory;
  bob = await createGpgSigner({ directory: join(directory, 'g1'), email: 'bob@example.org' });
  carol = await createGpgSigner({ directory: join(directory, 'g2'), email: 'carol@example.org' });
  expired = await createGpgSigner({
    directory: join(directory, 'g3'),
    email: 'old@example.org',
    madeAt: '20200101T000000',
  });
  mallory = await createSshSigner({ directory: join(directory, 'keys'), principal: 'mallory@example.org' });
});
afterAll(async () => {
  for (const signer of [bob, carol, expired]) await signer.stop();
  await world.stop();
});

const onlyGpg = () => ({ allowedSigners: null, gpgKeyring: bob.publicKeyFile });

describe('a trusted signature', () => {
  test('of an OpenSSH key names its principal', async () => {
    const { author, source } = await world.repository();
    await author.commit({ message: 'One' });
    expect((await (await source()).poll()).signer).toBe('alice@example.org');
  });

  test('of an OpenPGP key names its fingerprint', async () => {
    const { author, source } = await world.repository();
    await author.commit({ message: 'One', sign: bob });
    expect((await (await source(onlyGpg())).poll()).signer).toBe(bob.fingerprint);
  });

  test('may be of either kind when both are configured', async () => {
    const { author, source } = await world.repository();
    const polled = await source({ gpgKeyring: bob.publicKeyFile });
    await author.commit({ message: 'One', sign: bob });
    expect((await polled.poll()).signer).toBe(bob.fingerprint);
    await author.commit({ message: 'Two' });
    expect((await polled.poll()).signer).toBe('alice@example.org');
  });

  test('counts within the time limits of its key', async () => {
    const { author, source } = await world.repository();
    await author.commit({ message: 'One' });
    const allowedSigners = join(world.directory, 'allowed_within');
    await writeAllowedSigners(allowedSigners, [{ signer: world.alice, options: 'valid-after="20200101"' }]);
    expect((await (await source({ allowedSigners })).poll()).signer).toBe('alice@example.org');
  });
});

describe('refused', () => {
  test.each([
    ['no signature', (): Signer | null => null, 'unsigned'],
    ['another OpenSSH key', () => mallory, 'untrusted-signer'],
    ['an OpenPGP key when only OpenSSH keys are configured', () => bob, 'untrusted-signer'],
  ] as const)('%s', async (_name, sign, code) => {
    const { author, source } = await world.repository();
    const accepted = await author.commit({ files: { 'a.yaml': 'a: 1' }, message: 'Good' });
    const polled = await source();
    await polled.poll();
    const refused = await author.commit({ files: { 'a.yaml': 'a: 2' }, message: 'Bad', sign: sign() });
    expect(await rejection(polled.poll())).toMatchObject({ code, commit: refused });
    expect(await polled.accepted()).toBe(accepted);
    expect((await rejection(polled.read(refused))).code).toBe(code);
    expect((await polled.read(accepted)).files).toEqual([{ path: 'a.yaml', text: 'a: 1' }]);
  });

  test.each([
    ['another OpenPGP key', () => carol],
    ['an OpenSSH key when only OpenPGP keys are configured', () => world.alice],
  ] as const)('%s', async (_name, sign) => {
    const { author, source } = await world.repository();
    const commit = await author.commit({ message: 'One', sign: sign() });
    expect(await rejection((await source(onlyGpg())).poll())).toMatchObject({ code: 'untrusted-signer', commit });
  });

  test('a configured OpenPGP key that has expired', async () => {
    const { author, source } = await world.repository();
    await author.commit({ message: 'One', sign: expired });
    const polled = await source({ allowedSigners: null, gpgKeyring: expired.publicKeyFile });
    expect((await rejection(polled.poll())).code).toBe('untrusted-signer');
  });

  test.each(['valid-before="20200101"', 'valid-after="20990101"'])(
    'a configured OpenSSH key outside %s',
    async (options) => {
      const { author, source } = await world.repository();
      await author.commit({ message: 'One' });
      const allowedSigners = join(world.directory, `allowed_${options.slice(0, 9)}`);
      await writeAllowedSigners(allowedSigners, [{ signer: world.alice, options }]);
      expect((await rejection((await source({ allowedSigners })).poll())).code).toBe('untrusted-signer');
    },
  );

  test.each([
    ['OpenSSH', () => world.alice],
    ['OpenPGP', () => bob],
  ] as const)('a commit changed after it was signed with %s', async (_name, sign) => {
    const { author, source, path } = await world.repository();
    await author.commit({ message: 'Say yes', sign: sign() });
    const signed = await author.git('cat-file', 'commit', 'HEAD');
    const file = join(world.directory, 'tampered');
    await writeFile(file, `${signed.replace('Say yes', 'Say no')}\n`);
    const commit = await author.git('hash-object', '-t', 'commit', '-w', file);
    await author.git('push', '--quiet', '--force', path, `${commit}:refs/heads/main`);
    const polled = await source({ gpgKeyring: bob.publicKeyFile });
    expect(await rejection(polled.poll())).toMatchObject({ code: 'untrusted-signer', commit });
  });

  test('a signer taken off the list, at the next poll, while the accepted commit stays', async () => {
    const { author, source } = await world.repository();
    const allowedSigners = join(world.directory, 'allowed_changing');
    await writeAllowedSigners(allowedSigners, [{ signer: world.alice }]);
    const commit = await author.commit({ message: 'One' });
    const polled = await source({ allowedSigners });
    await polled.poll();
    await writeAllowedSigners(allowedSigners, [{ signer: mallory }]);
    expect((await rejection(polled.poll())).code).toBe('untrusted-signer');
    expect(await polled.accepted()).toBe(commit);
  });

  test('an OpenPGP key replaced in the keyring file, at the next poll', async () => {
    const { author, source } = await world.repository();
    const gpgKeyring = join(world.directory, 'changing.asc');
    await author.commit({ message: 'One', sign: bob });
    await copyFile(bob.publicKeyFile, gpgKeyring);
    const polled = await source({ allowedSigners: null, gpgKeyring });
    await polled.poll();
    await copyFile(carol.publicKeyFile, gpgKeyring);
    expect((await rejection(polled.poll())).code).toBe('untrusted-signer');
  });
});
