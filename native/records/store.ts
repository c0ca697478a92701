import { readdirSync, rmSync } from 'node:fs';
import type { ContainerRef } from '../backend.ts';
import { replaceFile } from '../files/replace-file.ts';
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
import { rememberRecords } from './remembered.ts';

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
  const sandboxes = rememberRecords(readSandbox);
  const containers = rememberRecords(readContainer);
  const save = (path: string, record: SandboxRecord | ContainerRecord): void => {
    sandboxes.forget(path);
    containers.forget(path);
    replaceFile(path, JSON.stringify(record));
  };
  return {
    sandboxIds: async () => names(layout.sandboxesDir),
    containerNames: async (id) =>
      names(layout.containersOf(id)).flatMap((name) => (name.endsWith(SUFFIX) ? [name.slice(0, -SUFFIX.length)] : [])),
    sandbox: async (id) => onlyIf(sandboxes.read(layout.sandboxFile(id)), (record) => record.id === id),
    container: async (ref) =>
      onlyIf(
        containers.read(layout.containerFile(ref)),
        (record) => record.sandboxId === ref.sandboxId && record.name === ref.name,
      ),
    saveSandbox: async (record) => save(layout.sandboxFile(record.id), record),
    saveContainer: async (record) => save(layout.containerFile(record), record),
    profile: async (ref) => readProfile(layout.profileFile(ref)),
    saveProfile: async (ref, profile) => replaceFile(layout.profileFile(ref), JSON.stringify(profile)),
    removeContainer: async (ref) => {
      rmSync(layout.profileFile(ref), { force: true });
      rmSync(layout.containerFile(ref), { force: true });
    },
  };
}

function onlyIf<T>(found: Found<T>, isRight: (record: T) => boolean): Found<T> {
  return found.state === 'found' && !isRight(found.record) ? { state: 'invalid' } : found;
}

function names(directory: string): readonly string[] {
  try {
    return readdirSync(directory)
      .filter((name) => !name.startsWith('.'))
      .sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
