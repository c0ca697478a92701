import { readFile } from 'node:fs/promises';
import * as z from 'zod';

/** A user and password for one registry. Never logged. */
export interface Credentials {
  readonly user: string;
  readonly password: string;
}

const schema = z.object({
  auths: z
    .record(
      z.string(),
      z.object({ auth: z.string().optional(), username: z.string().optional(), password: z.string().optional() }),
    )
    .optional(),
});

/**
 * Looks a registry up in a Docker `config.json`. The file is read at every need, so that a rotated password is used.
 * Credential helpers (`credsStore`, `credHelpers`) are programs and are not run.
 * @returns null when the file has nothing for the registry.
 * @throws Error naming the file when it cannot be read or understood.
 */
export async function findCredentials(file: string, registry: string): Promise<Credentials | null> {
  const auths = (await readAuthFile(file)).auths ?? {};
  for (const [key, entry] of Object.entries(auths)) {
    if (registryOf(key) !== registryOf(registry)) continue;
    if (entry.username !== undefined && entry.password !== undefined) {
      return { user: entry.username, password: entry.password };
    }
    const decoded = Buffer.from(entry.auth ?? '', 'base64').toString('utf8');
    const colon = decoded.indexOf(':');
    if (colon > 0) return { user: decoded.slice(0, colon), password: decoded.slice(colon + 1) };
  }
  return null;
}

async function readAuthFile(file: string): Promise<z.infer<typeof schema>> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new Error(`the registry credentials ${file} cannot be read`, { cause });
  });
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    throw new Error(`the registry credentials ${file} are not a Docker config.json with "auths"`);
  }
}

/** Keys are hosts or URLs, and Docker Hub has an old name of its own. */
function registryOf(key: string): string {
  const host = key.replace(/^https?:\/\//, '').replace(/\/.*$/, '');
  return host === 'index.docker.io' || host === 'registry-1.docker.io' ? 'docker.io' : host;
}
