/**
 * Names that mean one thing to a reader and another to git, a file system or a terminal.
 * @param path slash-separated, relative to the repository.
 * @returns what is wrong, as the end of a sentence, or null when nothing is.
 */
export function oddName(path: string): string | null {
  if (/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(path)) return 'contains a control or invisible character';
  if (path.includes('\\')) return 'contains a backslash';
  for (const part of path.split('/')) {
    if (part === '') return 'has an empty part';
    if (part === '.' || part === '..') return `has the part "${part}"`;
    if (meansGitDirectory(part)) return `has the part ${JSON.stringify(part)}, which can stand for .git`;
  }
  return null;
}

/** `.git` in any case, with what some file systems ignore at its end, as an NTFS stream, or as its short name. */
function meansGitDirectory(part: string): boolean {
  const name = part
    .toLowerCase()
    .replace(/:.*$/, '')
    .replace(/[. ]+$/, '');
  return name === '.git' || /^git~\d+$/.test(name);
}
