import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort, startProgram } from './program.ts';

const run = promisify(execFile);

/** A private sshd on loopback that serves git and nothing else. */
export interface SshGit {
  readonly port: number;
  readonly user: string;
  readonly keyFile: string;
  readonly knownHostsFile: string;
  stop(): Promise<void>;
}

/**
 * Starts an sshd with its own host key, configuration and one authorized key, in a directory of its own.
 * The machine's sshd is not touched; only /run/sshd, the empty directory every sshd needs, is made and left.
 */
export async function startSshGit(options: { readonly directory: string }): Promise<SshGit> {
  const { directory } = options;
  const file = (name: string): string => join(directory, name);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await mkdir('/run/sshd', { recursive: true, mode: 0o755 });
  for (const name of ['host_key', 'client_key']) {
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', file(name)]);
  }
  const port = await freePort();
  const clientKey = await readFile(file('client_key.pub'), 'utf8');
  const [type, key] = (await readFile(file('host_key.pub'), 'utf8')).split(' ');
  await writeFile(file('authorized_keys'), `restrict,command="git-shell -c \\"$SSH_ORIGINAL_COMMAND\\"" ${clientKey}`);
  await writeFile(file('known_hosts'), `[127.0.0.1]:${port} ${type} ${key}\n`);
  await writeFile(
    file('sshd_config'),
    serverConfig({ port, hostKey: file('host_key'), keys: file('authorized_keys') }),
  );
  const server = await startProgram({ command: '/usr/sbin/sshd', args: ['-D', '-e', '-f', file('sshd_config')], port });
  return {
    port,
    user: userInfo().username,
    keyFile: file('client_key'),
    knownHostsFile: file('known_hosts'),
    stop: server.stop,
  };
}

function serverConfig(options: { readonly port: number; readonly hostKey: string; readonly keys: string }): string {
  return [
    `Port ${options.port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${options.hostKey}`,
    `AuthorizedKeysFile ${options.keys}`,
    'AuthenticationMethods publickey',
    'PermitRootLogin forced-commands-only',
    'PidFile none',
    // The directory is below a world-writable one, which strict modes refuse.
    'StrictModes no',
    'UsePAM no',
    'AcceptEnv GIT_PROTOCOL',
    '',
  ].join('\n');
}
