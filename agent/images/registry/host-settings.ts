import { readFile } from 'node:fs/promises';

/** How one registry, or mirror, is reached. */
export interface HostSettings {
  /** `host` or `host:port`, as in references. */
  readonly host: string;
  /** Asked before it, in this order: `host[:port]`, and a path that comes before every repository. */
  readonly mirrors?: readonly string[];
  /** Spoken to over plain HTTP. */
  readonly isPlainHttp?: boolean;
  /** PEM certificates of the authorities to believe, instead of the system's. */
  readonly caFile?: string | null;
  /** PEM certificate and key to show. */
  readonly certificateFile?: string | null;
  readonly keyFile?: string | null;
}

/** What TLS needs to know of one host. */
export interface HostTls {
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

/** @returns what is to be said to each host that has certificates of its own. @throws Error naming the file that cannot be read */
export async function readTlsFiles(hosts: readonly HostSettings[]): Promise<ReadonlyMap<string, HostTls>> {
  const settings = new Map<string, HostTls>();
  for (const { host, caFile, certificateFile, keyFile } of hosts) {
    const [ca, cert, key] = [await read(host, caFile), await read(host, certificateFile), await read(host, keyFile)];
    if (ca || cert || key) settings.set(host, { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) });
  }
  return settings;
}

async function read(host: string, file: string | null | undefined): Promise<Buffer | undefined> {
  if (!file) return undefined;
  return readFile(file).catch((cause: NodeJS.ErrnoException) => {
    throw new Error(`images.registries: ${file} of ${host} cannot be read (${cause.code}): name a PEM file`, { cause });
  });
}
