import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { BackendError } from '../../errors.ts';
import { checkConfig } from './check-config.ts';
import { type BundleConfig, type BundleProcess, bundleConfig, bundleProcess } from './schema.ts';

/** Reads a bundle's config.json. @throws BackendError `invalid-spec` naming the file and every field that is wrong. */
export async function readConfig(bundle: string): Promise<BundleConfig> {
  const path = join(bundle, 'config.json');
  const config = await read(path, bundleConfig);
  try {
    checkConfig(config);
  } catch (error) {
    throw invalid(`${path}: ${(error as Error).message}`);
  }
  return config;
}

/** Reads a process in the form of config.json. @throws BackendError as readConfig does. */
export function readProcess(path: string): Promise<BundleProcess> {
  return read(path, bundleProcess);
}

async function read<T>(path: string, schema: z.ZodType<T>): Promise<T> {
  const parsed = schema.safeParse(parseJson(path, await readText(path)));
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `${z.core.toDotPath(issue.path)}: ${issue.message}`);
  throw invalid(`${path}: ${problems.join('; ')}`);
}

/** Far more than any engine writes. */
const LARGEST_BYTES = 4 << 20;

/** A pipe in its place would never end. */
async function readText(path: string): Promise<string> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const about = await file.stat();
      if (!about.isFile()) throw new Error('expected a file');
      if (about.size > LARGEST_BYTES) throw new Error(`expected at most ${LARGEST_BYTES} bytes, not ${about.size}`);
      return await file.readFile('utf8');
    } finally {
      await file.close();
    }
  } catch (cause) {
    if (!isOfPath(cause as NodeJS.ErrnoException)) throw cause;
    const message = `cannot read ${path}: ${(cause as Error).message}`;
    throw new BackendError('invalid-spec', 'read config', message, { cause });
  }
}

/** What is wrong with the path and not with the node. */
function isOfPath({ code }: NodeJS.ErrnoException): boolean {
  return code === undefined || ['ENOENT', 'ENOTDIR', 'EISDIR', 'ELOOP', 'ENXIO', 'ENODEV', 'EACCES'].includes(code);
}

/** A NUL, unless its backslash is a text's own. */
const NUL = /(?<!\\)(?:\\\\)*\\u0000/;

function parseJson(path: string, text: string): unknown {
  if (NUL.test(text)) throw invalid(`${path}: holds a text with a NUL, which the kernel would take for its end`);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new BackendError('invalid-spec', 'read config', `${path}: ${(cause as Error).message}`, { cause });
  }
}

function invalid(message: string): BackendError {
  return new BackendError('invalid-spec', 'check config', message);
}
