import { fstatSync, lstatSync, readdirSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import type { ProjectQuotas, ProjectSupport } from '../../native/index.ts';

/** A file system with project quotas, as far as counting goes: what is made in a directory belongs to its project. */
export interface FakeProjectQuotas extends ProjectQuotas {
  /** What it can; `enforced` unless set. */
  can: ProjectSupport;
  readonly limits: ReadonlyMap<number, number>;
  /** Bytes of deleted files that somebody has open still, by project. */
  readonly open: Map<number, number>;
  /** So many more calls that change something work; the next one fails with EIO. */
  failAfter(changes: number): void;
  /** @returns the project of what is at a path. */
  at(path: string): number;
}

/** @param root below which everything is counted. */
export function createFakeProjectQuotas(root: string): FakeProjectQuotas {
  const given = new Map<string, number>();
  const limits = new Map<number, number>();
  let changesLeft = Number.POSITIVE_INFINITY;
  const change = (work: () => void): void => {
    if (changesLeft === 0) throw Object.assign(new Error('set quota failed with EIO'), { code: 'kernel' });
    changesLeft -= 1;
    work();
  };
  const walk = (path: string, parent: number, visit: (path: string, project: number) => void): void => {
    const about = lstatSync(path);
    const project = given.get(fileOf(about)) ?? parent;
    visit(path, project);
    if (about.isDirectory()) for (const name of readdirSync(path)) walk(join(path, name), project, visit);
  };
  const fake: FakeProjectQuotas = {
    can: 'enforced',
    ...{ limits, open: new Map() },
    failAfter: (changes) => {
      changesLeft = changes;
    },
    at: (wanted) => {
      let found = 0;
      walk(root, 0, (path, project) => {
        if (path === wanted) found = project;
      });
      return found;
    },
    support: () => fake.can,
    projectOf: (fd) => given.get(fileOf(fstatSync(fd))) ?? 0,
    setProject: (fd, project) =>
      change(() => {
        // What is there already stays what it was.
        if (fstatSync(fd).isDirectory())
          for (const name of readdirSync(`/proc/self/fd/${fd}`)) {
            const file = fileOf(lstatSync(`/proc/self/fd/${fd}/${name}`));
            given.set(file, given.get(file) ?? 0);
          }
        given.set(fileOf(fstatSync(fd)), project);
      }),
    usage: (wanted) => {
      const usage = { usedBytes: fake.open.get(wanted) ?? 0, usedInodes: 0, limitBytes: limits.get(wanted) ?? 0 };
      walk(root, 0, (path, project) => {
        if (project !== wanted) return;
        usage.usedInodes += 1;
        const about = lstatSync(path);
        if (about.isFile()) usage.usedBytes += about.size;
      });
      return usage;
    },
    limit: (project, bytes) =>
      change(() => {
        if (bytes === 0) limits.delete(project);
        else limits.set(project, Math.ceil(bytes / 1024) * 1024);
      }),
  };
  return fake;
}

/** The number of an inode is another file's once it is deleted. */
function fileOf({ ino, birthtimeMs }: Stats): string {
  return `${ino} ${birthtimeMs}`;
}
