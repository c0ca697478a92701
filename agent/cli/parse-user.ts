import { CommanderError } from 'commander';
import { exitCode } from './exit-code.ts';

/** Reads `uid` or `uid:gid` of an option. @throws CommanderError of wrong usage */
export function parseUser(text: string): { readonly uid: number; readonly gid: number } {
  const [, uid, gid = uid] = /^(\d+)(?::(\d+))?$/.exec(text) ?? [];
  if (uid === undefined)
    throw new CommanderError(
      exitCode.usage,
      'holdfast.user',
      `--user takes numbers such as 1000 or 1000:1000, not ${text}`,
    );
  return { uid: Number(uid), gid: Number(gid) };
}
