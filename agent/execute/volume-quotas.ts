import { closeSync, constants, openSync } from 'node:fs';
import { BackendError, type ProjectQuotas, type ProjectUsage } from '../../native/index.ts';
import { giveToProject } from './give-to-project.ts';

/**
 * Projects of volumes, where nobody else has any: the kubelet's begin at 1048576 and those of people at 1. Which of them is
 * whose is written nowhere but in the file system: on the directory, and in its own count of what each project takes.
 */
export const FIRST_PROJECT = 0x48460000;
const PROJECTS = 65_536;
const BLOCK_BYTES = 1024;

/** Has the file system hold directories to their sizes, where it can. */
export interface VolumeQuotas {
  /** @returns why the file system holds nothing to a size, or null when it does. */
  obstacle(): string | null;
  /**
   * Holds a directory, with what is in it already, to a size from now on. Does nothing where the file system cannot. What was
   * interrupted is found by its missing limit, and done again.
   * @throws BackendError when the file system could and fails, `no-resources` when every project is in use.
   */
  bound(path: string, bytes: number): Promise<void>;
  /** @returns what a directory takes and may take, or null when it is not held to a size. Costs no walk. */
  usage(path: string): VolumeUsage | null;
  /** @returns whether the file system could hold a directory to this size and does not. */
  isLoose(path: string, bytes: number): boolean;
  /** Removes directories by `remove`, and with the last of what was in them the limits they had. */
  release(paths: readonly string[], remove: () => Promise<void>): Promise<void>;
}

/** Both in bytes. */
export type VolumeUsage = Pick<ProjectUsage, 'usedBytes' | 'limitBytes'>;

/** @param projects of the file system that all the directories are on. */
export function createVolumeQuotas(projects: ProjectQuotas): VolumeQuotas {
  let next = 0;
  /** In one go with giving it away: no other work of this process comes between. */
  const freeProject = (): number => {
    for (let tried = 0; tried < PROJECTS; tried += 1) {
      const project = FIRST_PROJECT + ((next + tried) % PROJECTS);
      const { usedBytes, usedInodes, limitBytes } = projects.usage(project);
      // Deleted files that somebody has open still count: such a project is nobody else's yet.
      if (usedBytes > 0 || usedInodes > 0) continue;
      next = (project - FIRST_PROJECT + 1) % PROJECTS;
      if (limitBytes > 0) projects.limit(project, 0);
      return project;
    }
    const message = `each of ${PROJECTS} projects from ${FIRST_PROJECT} on is in use on the volumes’ file system`;
    throw new BackendError('no-resources', 'allocate project', message);
  };
  const projectOf = (path: string): number | null => {
    const project = onDirectory(path, (fd) => projects.projectOf(fd));
    return project >= FIRST_PROJECT && project < FIRST_PROJECT + PROJECTS ? project : null;
  };
  const claimProject = (path: string): number => {
    const known = projectOf(path);
    if (known !== null) return known;
    const project = freeProject();
    onDirectory(path, (fd) => projects.setProject(fd, project));
    return project;
  };
  const isEnforced = (): boolean => projects.support() === 'enforced';
  const usage = (path: string): VolumeUsage | null => {
    const project = isEnforced() ? projectOf(path) : null;
    if (project === null) return null;
    const { usedBytes, limitBytes } = projects.usage(project);
    return limitBytes === 0 ? null : { usedBytes, limitBytes };
  };
  return {
    obstacle: () => OBSTACLES[projects.support()],
    bound: async (path, bytes) => {
      if (!isEnforced()) return;
      const project = claimProject(path);
      // The limit comes last: a project that has one has all of its directory.
      if (projects.usage(project).limitBytes === 0) await giveToProject(path, (fd) => projects.setProject(fd, project));
      projects.limit(project, bytes);
    },
    usage,
    isLoose: (path, bytes) => isEnforced() && usage(path)?.limitBytes !== wholeBlocks(bytes),
    release: async (paths, remove) => {
      const released = isEnforced() ? paths.flatMap((path) => unlessGone(() => projectOf(path)) ?? []) : [];
      await remove();
      for (const project of released) projects.limit(project, 0);
    },
  };
}

const OBSTACLES: Readonly<Record<ReturnType<ProjectQuotas['support']>, string | null>> = {
  enforced: null,
  counted: 'its file system counts by project and holds none to a limit: mount it with the option prjquota',
  none: 'its file system has no project quotas: they are of ext4 (mke2fs -O project,quota) and XFS, mounted with the option prjquota',
};

/** A removal that was interrupted has taken it already: its limit stays with a project that the next one begins anew. */
function unlessGone<Result>(ask: () => Result): Result | null {
  try {
    return ask();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

function wholeBlocks(bytes: number): number {
  return Math.ceil(bytes / BLOCK_BYTES) * BLOCK_BYTES;
}

function onDirectory<Result>(path: string, work: (fd: number) => Result): Result {
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    return work(fd);
  } finally {
    closeSync(fd);
  }
}
