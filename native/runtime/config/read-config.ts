import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { BackendError } from '../../errors.ts';
import { type BundleConfig, bundleConfig } from './schema.ts';

/** Reads a bundle's config.json. @throws BackendError `invalid-spec` naming the file and every field that is wrong. */
export async function readConfig(bundle: string): Promise<BundleConfig> {
  const path = join(bundle, 'config.json');
  const parsed = bundleConfig.safeParse(parseJson(path, await readText(path)));
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `${z.core.toDotPath(issue.path)}: ${issue.message}`);
    throw invalid(`${path}: ${problems.join('; ')}`);
  }
  const problem = contradiction(parsed.data);
  if (problem !== null) throw invalid(`${path}: ${problem}`);
  return parsed.data;
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new BackendError('invalid-spec', 'read config', `cannot read ${path}: ${(cause as Error).message}`, {
      cause,
    });
  }
}

function parseJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new BackendError('invalid-spec', 'read config', `${path}: ${(cause as Error).message}`, { cause });
  }
}

/** What fields ask for together that none of them asks for alone. */
function contradiction({ linux, process, hostname, domainname }: BundleConfig): string | null {
  const types = linux.namespaces.map((each) => each.type);
  const own = (type: string): boolean => linux.namespaces.some((each) => each.type === type);
  const isNew = (type: string): boolean => linux.namespaces.some((each) => each.type === type && !each.path);
  if (new Set(types).size < types.length) return 'linux.namespaces: each type may be there once';
  if (!isNew('mount')) return 'linux.namespaces: a new mount namespace is needed';
  if ((hostname !== '' || domainname !== '') && !own('uts')) return 'hostname: needs a uts namespace';
  const hasMappings = linux.uidMappings.length > 0 && linux.gidMappings.length > 0;
  if (isNew('user') && !hasMappings) return 'linux.namespaces: a new user namespace needs uidMappings and gidMappings';
  if (hasMappings && !own('user')) return 'linux.uidMappings: need a user namespace';
  const mayMount = process.capabilities?.bounding.includes('CAP_SYS_ADMIN') === true && !own('user');
  if (mayMount && linux.resources?.devices.some((rule) => !rule.allow)) {
    return 'process.capabilities.bounding: CAP_SYS_ADMIN can mount the devices that linux.resources.devices denies: leave one out';
  }
  for (const name of Object.keys(linux.sysctl)) {
    const namespace = namespaceOfSysctl(name);
    if (namespace === null) return `linux.sysctl.${name}: belongs to the whole node`;
    if (!own(namespace)) return `linux.sysctl.${name}: needs a ${namespace} namespace`;
  }
  return null;
}

/** sysctls that a namespace has for itself (namespaces(7)). */
function namespaceOfSysctl(name: string): string | null {
  if (/^net[./]/.test(name)) return 'network';
  if (/^kernel[./](?:msg\w+|sem|shm\w+)$|^fs[./]mqueue[./]\w+$/.test(name)) return 'ipc';
  return /^kernel[./]domainname$/.test(name) ? 'uts' : null;
}

function invalid(message: string): BackendError {
  return new BackendError('invalid-spec', 'check config', message);
}
