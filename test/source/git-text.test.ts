import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseCommit } from '../../agent/source/commit-object.ts';
import { redact } from '../../agent/source/redact.ts';
import { parseTree } from '../../agent/source/tree-entry.ts';
import { oddName } from '../../agent/source/tree-name.ts';

const ID = 'a'.repeat(40);

describe('redact', () => {
  test('takes out secrets wherever they are', () => {
    fc.assert(
      fc.property(fc.string(), fc.stringMatching(/^[A-Za-z0-9_-]{8,40}$/), fc.string(), (before, secret, after) => {
        expect(redact(`${before}${secret}${after}`, [secret])).not.toContain(secret);
      }),
    );
  });

  test.each([
    ['fatal: https://user:pw@example.org/x', 'fatal: https://***@example.org/x'],
    ['> Authorization: Basic Z2l0OnB3', '> Authorization: Basic ***'],
    ['remote: \u001b[31mred\u0007\nnext', 'remote: [31mred\nnext'],
  ])('%j', (text, expected) => {
    expect(redact(text, [])).toBe(expected);
  });
});

describe('oddName', () => {
  test.each(['a.yaml', 'fleet/edge/a b.yaml', '.github/x.yml', '.gitignore', 'git/x', 'caf\u00e9.yaml', 'a..b'])(
    'allows %j',
    (name) => {
      expect(oddName(name)).toBeNull();
    },
  );

  test.each([
    '',
    '/a',
    'a//b',
    '.',
    'a/..',
    '.git',
    'a/.Git/config',
    '.git.',
    '.git ',
    '.git::$INDEX',
    'GIT~2',
    'a\u0000',
    'a\u200b',
  ])('refuses %j', (name) => {
    expect(oddName(name)).not.toBeNull();
  });
});

describe('parseTree', () => {
  test('knows files, links, submodules and what it does not know', () => {
    const lines = [
      `100644 blob ${ID}     12\ta\tb\n.yaml`,
      `100755 blob ${ID}      0\tx`,
      `120000 blob ${ID}      3\tlink`,
      `160000 commit ${ID}       -\tmodule`,
      `100664 blob ${ID}      1\told`,
    ];
    const entries = parseTree(Buffer.from(lines.map((line) => `${line}\0`).join('')), ID);
    expect(entries.map(({ path, kind, size }) => [path, kind, size])).toEqual([
      ['a\tb\n.yaml', 'file', 12],
      ['x', 'file', 0],
      ['link', 'symbolic link', 3],
      ['module', 'submodule', 0],
      ['old', 'file of unknown mode', 1],
    ]);
  });

  test('refuses a line it does not understand', () => {
    expect(() => parseTree(Buffer.from('rubbish\0'), ID)).toThrow(expect.objectContaining({ code: 'unsafe-tree' }));
  });
});

describe('parseCommit', () => {
  const commit = (headers: string, message: string): string =>
    `tree ${ID}\n${headers}committer A <a@b> 1700000000 +0100\n\n${message}`;

  test('reads time, subject and the kind of signature', () => {
    const signed = (armor: string): string => commit(`gpgsig ${armor}\n abc\n`, 'Subject\n\nBody');
    expect(parseCommit(ID, signed('-----BEGIN SSH SIGNATURE-----'))).toEqual({
      commit: ID,
      committedAt: 1_700_000_000_000,
      subject: 'Subject',
      signature: 'ssh',
    });
    expect(parseCommit(ID, signed('-----BEGIN PGP SIGNATURE-----')).signature).toBe('gpg');
    expect(parseCommit(ID, signed('-----BEGIN SIGNED MESSAGE-----')).signature).toBe('other');
    expect(parseCommit(ID, commit('', 'x')).signature).toBeNull();
  });

  test('does not take a signature from the message', () => {
    expect(parseCommit(ID, commit('', 'x\n\ngpgsig -----BEGIN SSH SIGNATURE-----\n')).signature).toBeNull();
  });

  test('makes the subject fit for one line of a terminal', () => {
    expect(parseCommit(ID, commit('', `\n\u001b[2J\u202eabc${'x'.repeat(300)}`)).subject).toBe(
      ` [2J abc${'x'.repeat(192)}`,
    );
  });

  test('refuses a commit without a time', () => {
    expect(() => parseCommit(ID, 'tree x\n\nmessage')).toThrow(expect.objectContaining({ code: 'unsafe-tree' }));
  });
});
