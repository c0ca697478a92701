import { readdirSync, rmSync } from 'node:fs';
import type { ContainerRef } from '../backend.ts';
import { replaceFile } from '../files/replace-file.ts';
import type { Layout } from './layout.ts';
import type { ProcessProfile } from './process-profile.ts';
import {
  type ContainerRecord,
  type Found,
  type NetworkRecord,
  readContainer,
  readNetwork,
  readProfile,
  readSandbox,
  readTraffic,
  type SandboxRecord,
  type TrafficRecord,
} from './records.ts';
import { rememberRecords } from './remembered.ts';

/** The records of one backend. */
export interface RecordStore {
  /** All that can be read. */
  networks(): Promise<readonly NetworkRecord[]>;
  /** All that can be read. */
  sandboxes(): Promise<readonly SandboxRecord[]>;
  sandboxIds(): Promise<readonly string[]>;
  containerNames(sandboxId: string): Promise<readonly string[]>;
  sandbox(id: string): Promise<Found<SandboxRecord>>;
  container(ref: ContainerRef): Promise<Found<ContainerRecord>>;
  saveNetwork(record: NetworkRecord): Promise<void>;
  saveSandbox(record: SandboxRecord): Promise<void>;
  saveContainer(record: ContainerRecord): Promise<void>;
  profile(ref: ContainerRef): Promise<Found<ProcessProfile>>;
  saveProfile(ref: ContainerRef, profile: ProcessProfile): Promise<void>;
  removeNetwork(name: string): Promise<void>;
  /** Empty when there is none. */
  traffic(): TrafficRecord;
  saveTraffic(record: TrafficRecord): void;
  /** Removes its record and its profile. */
  removeContainer(ref: ContainerRef): Promise<void>;
}

const SUFFIX = '.json';

const NO_TRAFFIC: TrafficRecord = { rules: { guards: [], allowed: [], services: [] }, addresses: {} };

/** @returns the records kept below a layout. A record that names another object than its file does is invalid. */
export function createRecordStore(layout: Layout): RecordStore {
  const networks = rememberRecords(readNetwork);
  const sandboxes = rememberRecords(readSandbox);
  const containers = rememberRecords(readContainer);
  const traffic = rememberRecords(readTraffic);
  const save = (path: string, record: NetworkRecord | SandboxRecord | ContainerRecord): void => {
    networks.forget(path);
    sandboxes.forget(path);
    containers.forget(path);
    replaceFile(path, JSON.stringify(record));
  };
  const sandbox = (id: string): Found<SandboxRecord> =>
    onlyIf(sandboxes.read(layout.sandboxFile(id)), (record) => record.id === id);
  const network = (name: string): Found<NetworkRecord> =>
    onlyIf(networks.read(layout.networkFile(name)), (record) => record.name === name);
  return {
    networks: async () => allFound(withoutSuffix(names(layout.networksDir)).map(network)),
    sandboxes: async () => allFound(names(layout.sandboxesDir).map(sandbox)),
    sandboxIds: async () => names(layout.sandboxesDir),
    containerNames: async (id) => withoutSuffix(names(layout.containersOf(id))),
    sandbox: async (id) => sandbox(id),
    container: async (ref) =>
      onlyIf(
        containers.read(layout.containerFile(ref)),
        (record) => record.sandboxId === ref.sandboxId && record.name === ref.name,
      ),
    saveNetwork: async (record) => save(layout.networkFile(record.name), record),
    saveSandbox: async (record) => save(layout.sandboxFile(record.id), record),
    saveContainer: async (record) => save(layout.containerFile(record), record),
    profile: async (ref) => readProfile(layout.profileFile(ref)),
    saveProfile: async (ref, profile) => replaceFile(layout.profileFile(ref), JSON.stringify(profile)),
    traffic: () => {
      const found = traffic.read(layout.trafficFile);
      return found.state === 'found' ? found.record : NO_TRAFFIC;
    },
    saveTraffic: (record) => {
      traffic.forget(layout.trafficFile);
      replaceFile(layout.trafficFile, JSON.stringify(record));
    },
    removeNetwork: async (name) => rmSync(layout.networkFile(name), { force: true }),
    removeContainer: async (ref) => {
      rmSync(layout.profileFile(ref), { force: true });
      rmSync(layout.containerFile(ref), { force: true });
    },
  };
}

function allFound<T>(each: readonly Found<T>[]): readonly T[] {
  return each.flatMap((one) => (one.state === 'found' ? [one.record] : []));
}

function onlyIf<T>(found: Found<T>, isRight: (record: T) => boolean): Found<T> {
  return found.state === 'found' && !isRight(found.record) ? { state: 'invalid' } : found;
}

function withoutSuffix(files: readonly string[]): readonly string[] {
  return files.flatMap((name) => (name.endsWith(SUFFIX) ? [name.slice(0, -SUFFIX.length)] : []));
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
