import { rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type AcceptedCommit, createAcceptedCommit } from './accepted.ts';
import { requireDescendant } from './ancestry.ts';
import { readCommit } from './commit-object.ts';
import { fetchTip } from './fetch.ts';
import { createGit, type Git } from './git-command.ts';
import { gitEnvironment } from './git-environment.ts';
import { prepareKeyring } from './keyring.ts';
import { removeLeftovers } from './leftovers.ts';
import { checkOptions, DEFAULT_LIMITS, type GitLimits, type GitSourceOptions, readToken } from './options.ts';
import type { Remote } from './remote.ts';
import { ensureRepository, hasRepository, keepAccepted, replaceRepository } from './repository.ts';
import { verifySignature } from './signature.ts';
import { type Revision, type Source, SourceError } from './source.ts';
import { readManifests } from './tree.ts';

/**
 * A source over a Git branch. Nothing is fetched yet.
 * @throws SourceError `misconfigured` for options that could not work or would not be safe.
 */
export async function createGitSource(options: GitSourceOptions): Promise<Source> {
  await checkOptions(options);
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const directory = join(options.stateDir, 'source');
  const context: Context = {
    options,
    limits,
    directory,
    accepted: createAcceptedCommit(join(directory, ACCEPTED_FILE)),
    remote: { url: options.url, branch: options.branch, packBytes: limits.packBytes },
  };
  let last: Promise<unknown> = Promise.resolve();
  return {
    poll: () => {
      const polled = last.then(() => poll(context));
      last = polled.catch(() => undefined);
      return polled;
    },
    read: (commit) => readOffline(context, commit),
    accepted: () => context.accepted.read(),
  };
}

const REPOSITORY = 'repository.git';
const ACCEPTED_FILE = 'accepted.json';

interface Context {
  readonly options: GitSourceOptions;
  readonly limits: GitLimits;
  /** Everything this source keeps. */
  readonly directory: string;
  readonly accepted: AcceptedCommit;
  readonly remote: Remote;
}

/**
 * The order is the safety: fetched, verified, proven newer, read, and only then accepted, first as a reference and then
 * in the file that binds. A crash between any two leaves the old commit accepted.
 */
async function poll(context: Context): Promise<Revision> {
  const accepted = await context.accepted.read();
  const git = await openGit(context, REPOSITORY);
  const revision = await fetchRevision(context, git, accepted).catch(async (error) => {
    if (error?.code !== 'local-copy') throw error;
    return await cloneAgain(context, { damaged: git.directory, accepted });
  });
  await context.accepted.write(revision.commit);
  const keep = [REPOSITORY, ACCEPTED_FILE, basename(await openKeyring(context))];
  await removeLeftovers({ directory: context.directory, keep });
  return revision;
}

/** The damaged repository stays until a fresh one has all it takes, for it may still serve offline reads. */
async function cloneAgain(
  context: Context,
  { damaged, accepted }: { readonly damaged: string; readonly accepted: string | null },
): Promise<Revision> {
  const fresh = await openGit(context, 'repository.new.git');
  await rm(fresh.directory, { recursive: true, force: true });
  const revision = await fetchRevision(context, fresh, accepted);
  await replaceRepository({ damaged, fresh: fresh.directory });
  return revision;
}

async function fetchRevision(context: Context, git: Git, accepted: string | null): Promise<Revision> {
  await ensureRepository(git);
  const tip = await fetchTip(git, context.remote);
  const revision = await readVerified(context, git, { commit: tip, accepted });
  await keepAccepted(git, tip);
  return revision;
}

async function readOffline(context: Context, commit: string): Promise<Revision> {
  if (!/^[0-9a-f]{40}$/.test(commit)) throw new SourceError('not-found', `"${commit}" is not a full commit id`);
  const git = await openGit(context, REPOSITORY);
  if (!(await hasRepository(git)))
    throw new SourceError('not-found', 'there is no local copy yet; it is made by the first poll');
  return readVerified(context, git, { commit, accepted: null });
}

/** @param want accepted: the commit it must follow, or null when it need not follow any. */
async function readVerified(
  context: Context,
  git: Git,
  want: { readonly commit: string; readonly accepted: string | null },
): Promise<Revision> {
  const { commit, accepted } = want;
  const object = await readCommit(git, commit);
  if (!object) throw new SourceError('not-found', `commit ${commit} is not in the local copy`, { commit });
  const gnupgHome = await openKeyring(context);
  const signer = await verifySignature(git, object, { gnupgHome });
  if (accepted !== null) await requireDescendant(git, { accepted, tip: commit, remote: context.remote });
  const files = await readManifests(git, { commit, path: context.options.path, limits: context.limits });
  return { commit, signer, committedAt: object.committedAt, subject: object.subject, files };
}

async function openGit({ options, limits, directory }: Context, name: string): Promise<Git> {
  const token = await readToken(options.auth);
  return createGit({
    directory: join(directory, name),
    environment: gitEnvironment(options, directory),
    timeoutMs: limits.timeoutMs,
    secrets: token === null ? [] : [token],
  });
}

async function openKeyring({ options, directory }: Context): Promise<string> {
  return prepareKeyring({ keyring: options.gpgKeyring, directory, environment: gitEnvironment(options, directory) });
}
