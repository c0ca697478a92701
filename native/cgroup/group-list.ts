import { statSync } from 'node:fs';
import { childrenOf, LEAF_LINKS } from './tree.ts';

/** Lists the groups below directories again and again, at the cost of one stat(2) for each that has not changed. */
export interface GroupList {
  /** @returns every group below any of the directories, relative to it, parents before their children. */
  below(directories: readonly string[]): readonly string[];
}

/**
 * @returns a list that remembers which groups a directory had. It still has exactly those when all of them are there
 * and its links say that there are as many: a directory of cgroupfs has two links and one for each below it.
 */
export function createGroupList(): GroupList {
  let remembered: ReadonlyMap<string, readonly string[]> = new Map();
  return {
    below: (directories) => {
      const seen = new Map<string, readonly string[]>();
      const groups = new Set<string>();
      for (const directory of directories) {
        for (const group of visit(directory, { remembered, seen }) ?? []) groups.add(group);
      }
      remembered = seen;
      return [...groups].sort();
    },
  };
}

interface Memory {
  readonly remembered: ReadonlyMap<string, readonly string[]>;
  readonly seen: Map<string, readonly string[]>;
}

/** Null when the directory is gone. */
function visit(directory: string, memory: Memory): readonly string[] | null {
  const links = statSync(directory, { throwIfNoEntry: false })?.nlink;
  if (links === undefined) return null;
  if (links === LEAF_LINKS) return [];
  const known = memory.remembered.get(directory);
  const unchanged = known?.length === links - LEAF_LINKS ? groupsOf(directory, known, memory) : null;
  if (unchanged !== null) return unchanged;
  const names = childrenOf(directory);
  return groupsOf(directory, names, memory) ?? visit(directory, { ...memory, remembered: new Map() });
}

/** Null when one of the names is gone. */
function groupsOf(directory: string, names: readonly string[], memory: Memory): readonly string[] | null {
  const groups: string[] = [];
  for (const name of names) {
    const below = visit(`${directory}/${name}`, memory);
    if (below === null) return null;
    groups.push(name, ...below.map((group) => `${name}/${group}`));
  }
  memory.seen.set(directory, names);
  return groups;
}
