import { readFile } from 'node:fs/promises';
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

function invalid(message: string): BackendError {
  return new BackendError('invalid-spec', 'check config', message);
}
