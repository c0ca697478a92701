import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort, startProgram } from './program.ts';
import { makeTempDir } from './temp-dir.ts';

/** Debian's docker-registry on loopback. */
export interface Registry {
  /** `127.0.0.1:port`, reached over plain HTTP unless it was started with certificates. */
  readonly host: string;
  stop(): Promise<void>;
  /** Ends it as a crash does; what it keeps is left as it is. */
  kill(): Promise<void>;
}

/** Who may talk to a registry, in the words of its own configuration; all are files. */
export interface RegistryAccess {
  readonly tls: {
    readonly certificate: string;
    readonly key: string;
    /** Clients must show a certificate of one of these. */
    readonly clientcas?: readonly string[];
  };
  readonly htpasswd?: string;
}

/**
 * Starts a registry.
 * @param options data: where it keeps what is pushed to it; gone when it stops unless given. port: a free one unless given.
 */
export async function startRegistry(
  options: { readonly data?: string; readonly port?: number; readonly access?: RegistryAccess } = {},
): Promise<Registry> {
  const directory = await makeTempDir();
  const port = options.port ?? (await freePort());
  const host = `127.0.0.1:${port}`;
  const file = join(directory.path, 'config.yml');
  await writeFile(file, configuration(host, options.data ?? join(directory.path, 'data'), options.access));
  try {
    const program = await startProgram({ command: 'docker-registry', args: ['serve', file], port });
    return {
      host,
      stop: () => program.stop().finally(directory.remove),
      kill: () => program.kill().finally(directory.remove),
    };
  } catch (error) {
    await directory.remove();
    throw error;
  }
}

/** JSON is YAML. */
function configuration(address: string, rootdirectory: string, access?: RegistryAccess): string {
  return JSON.stringify({
    version: 0.1,
    log: { level: 'error', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory }, delete: { enabled: true } },
    http: { addr: address, ...(access && { tls: access.tls }) },
    ...(access?.htpasswd && { auth: { htpasswd: { realm: 'test', path: access.htpasswd } } }),
  });
}
