import { execFile } from 'node:child_process';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type HttpAuth, startHttpGit } from './git-http.ts';
import { startSshGit } from './git-ssh.ts';
import { makeTempDir } from './temp-dir.ts';

const run = promisify(execFile);

/** Real Git over smart HTTP, SSH and file://, on loopback, until it is stopped. */
export interface GitServer {
  /** Makes an empty bare repository. `name` becomes part of its urls. @returns its directory, to push to. */
  createRepository(name: string): Promise<string>;
  httpUrl(name: string): string;
  sshUrl(name: string): string;
  fileUrl(name: string): string;
  /** The private key that may log in; fetching is all it may do. */
  readonly sshKeyFile: string;
  /** Names the server's host key. */
  readonly knownHostsFile: string;
  /** Bytes on the wire over HTTP so far, headers included. */
  httpTraffic(): { readonly receivedBytes: number; readonly sentBytes: number };
  stop(): Promise<void>;
}

export interface GitServerOptions {
  /** HTTP is refused without it. */
  readonly httpAuth?: HttpAuth;
}

/** Starts all three. */
export async function startGitServer(options: GitServerOptions = {}): Promise<GitServer> {
  const directory = await makeTempDir();
  const root = join(directory.path, 'repositories');
  await mkdir(root);
  const http = await startHttpGit({ root, ...(options.httpAuth && { auth: options.httpAuth }) });
  const ssh = await startSshGit({ directory: join(directory.path, 'ssh') });
  return {
    createRepository: async (name) => {
      const path = join(root, `${name}.git`);
      await run('git', ['init', '--quiet', '--bare', '--initial-branch=main', path]);
      return path;
    },
    httpUrl: (name) => `http://127.0.0.1:${http.port}/${name}.git`,
    sshUrl: (name) => `ssh://${ssh.user}@127.0.0.1:${ssh.port}${join(root, `${name}.git`)}`,
    fileUrl: (name) => `file://${join(root, `${name}.git`)}`,
    sshKeyFile: ssh.keyFile,
    knownHostsFile: ssh.knownHostsFile,
    httpTraffic: http.traffic,
    stop: async () => {
      await http.stop();
      await ssh.stop();
      await rm(directory.path, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
