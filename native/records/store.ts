import { readdir } from 'node:fs/promises';
import type { ContainerRef } from '../backend.ts';
import { removeDurably, writeDurably } from '../files/durable.ts';
import type { Layout } from './layout.ts';
import type { ProcessProfile } from './process-profile.ts';
import {
  type ContainerRecord,
  type Found,
  readContainer,
  readProfile,
  readSandbox,
  type SandboxRecord,
} from './records.ts';

/** The records of one backend. */
export interface RecordStore {
  sandboxIds(): Promise<readonly string[]>;
  containerNames(sandboxId: string): Promise<readonly string[]>;
  sandbox(id: string): Promise<Found<SandboxRecord>>;
  container(ref: ContainerRef): Promise<Found<ContainerRecord>>;
  saveSandbox(record: SandboxRecord): Promise<void>;
  saveContainer(record: ContainerRecord): Promise<void>;
  profile(ref: ContainerRef): Promise<Found<ProcessProfile>>;
  saveProfile(ref: ContainerRef, profile: ProcessProfile): Promise<void>;
  /** Removes its record and its profile. */
  removeContainer(ref: ContainerRef): Promise<void>;
}

const SUFFIX = '.json';

/** @returns the records kept below a layout. A record that names another object than its file does is invalid. */
export function createRecordStore(layout: Layout): RecordStore {
  return {
    sandboxIds: () => names(layout.sandboxesDir),
    containerNames: async (id) =>
      (await names(layout.containersOf(id))).flatMap((name) =>
        name.endsWith(SUFFIX) ? [name.slice(0, -SUFFIX.length)] : [],
      ),
    sandbox: async (id) => onlyIf(await readSandbox(layout.sandboxFile(id)), (record) => record.id === id),
    container: async (ref) =>
      onlyIf(
        await readContainer(layout.containerFile(ref)),
        (record) => record.sandboxId === ref.sandboxId && record.name === ref.name,
      ),
    saveSandbox: (record) => writeDurably(layout.sandboxFile(record.id), JSON.stringify(record)),
    saveContainer: (record) => writeDurably(layout.containerFile(record), JSON.stringify(record)),
    profile: (ref) => readProfile(layout.profileFile(ref)),
    saveProfile: (ref, profile) => writeDurably(layout.profileFile(ref), JSON.stringify(profile)),
    removeContainer: async (ref) => {
      await removeDurably(layout.profileFile(ref));
      await removeDurably(layout.containerFile(ref));
    },
  };
}

function onlyIf<T>(found: Found<T>, isRight: (record: T) => boolean): Found<T> {
  return found.state === 'found' && !isRight(found.record) ? { state: 'invalid' } : found;
}

async function names(directory: string): Promise<readonly string[]> {
  try {
    return (await readdir(directory)).filter((name) => !name.startsWith('.')).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
