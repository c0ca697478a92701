import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import { askHelper, type Credentials } from './credential-program.ts';

const schema = z.object({
  auths: z
    .record(
      z.string(),
      z.object({
        auth: z.string().optional(),
        username: z.string().optional(),
        password: z.string().optional(),
        identitytoken: z.string().optional(),
      }),
    )
    .optional(),
  credHelpers: z.record(z.string(), z.string()).optional(),
  credsStore: z.string().optional(),
});

/**
 * Looks a registry up in a Docker `config.json`, as Docker does: its own helper (`credHelpers`), the helper for all
 * (`credsStore`), then what the file itself has. The file is read at every need, so that a rotated password is used.
 * @returns null when nothing is known for the registry.
 * @throws Error naming the file or the helper when it cannot be used.
 */
export async function findCredentials(file: string, registry: string): Promise<Credentials | null> {
  const { auths = {}, credHelpers = {}, credsStore } = await readAuthFile(file);
  const isMeant = ([key]: readonly [string, unknown]): boolean => registryOf(key) === registryOf(registry);
  const helper = Object.entries(credHelpers).find(isMeant)?.[1];
  if (helper !== undefined) return askHelper(helper, serverName(registry));
  const stored = credsStore === undefined ? null : await askHelper(credsStore, serverName(registry));
  if (stored) return stored;
  for (const [, entry] of Object.entries(auths).filter(isMeant)) {
    if (entry.identitytoken) return { kind: 'identity-token', token: entry.identitytoken };
    if (entry.username !== undefined && entry.password !== undefined) {
      return { kind: 'password', user: entry.username, password: entry.password };
    }
    const decoded = Buffer.from(entry.auth ?? '', 'base64').toString('utf8');
    const colon = decoded.indexOf(':');
    if (colon > 0) return { kind: 'password', user: decoded.slice(0, colon), password: decoded.slice(colon + 1) };
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

/** Helpers know Docker Hub by the name under which `docker login` stores it. */
function serverName(registry: string): string {
  return registryOf(registry) === 'docker.io' ? 'https://index.docker.io/v1/' : registry;
}
