import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What Holdfast and the programs of its tests can leave on a machine, by kind; each name is unique in its kind. */
export type Traces = Readonly<Record<string, readonly string[]>>;

const NAMESPACES = ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'user', 'uts'];
const PROGRAMS = new Set([
  'holdfast',
  'holdfast-shim',
  'docker-registry',
  'sshd',
  'otelcol',
  'gpg-agent',
  'git-daemon',
]);
const FILE_ROOTS = [tmpdir(), '/run', '/var/lib', '/dev/shm'];
const TCP_LISTEN = '0A';

/**
 * Looks the machine over.
 * @param run value of HOLDFAST_TEST_RUN in the environment of the processes to look for, whatever their name
 */
export function collectTraces(run?: string): Traces {
  const pids = readdirSync('/proc').filter((entry) => /^\d+$/.test(entry));
  return {
    mount: lines('/proc/self/mountinfo').map((line) => `${line.split(' ')[4]} (mount ${line.split(' ')[0]})`),
    cgroup: cgroups('/sys/fs/cgroup'),
    link: readdirSync('/sys/class/net'),
    'nftables table': nftTables(),
    namespace: [...new Set(pids.flatMap(namespacesOf))],
    process: pids.flatMap((pid) => processOf(pid, run)),
    'listening socket': [...listeningTcp('/proc/net/tcp'), ...listeningTcp('/proc/net/tcp6'), ...unixSockets()],
    file: FILE_ROOTS.flatMap(filesUnder),
  };
}

/** @returns what is in `after` and was not in `before`, one readable line each. */
export function newTraces(before: Traces, after: Traces): readonly string[] {
  return Object.entries(after).flatMap(([kind, names]) => {
    const known = new Set(before[kind]);
    return names.filter((name) => !known.has(name)).map((name) => `${kind}: ${name}`);
  });
}

function cgroups(parent: string): string[] {
  const below = ifThere(() => readdirSync(parent, { withFileTypes: true })) ?? [];
  return below
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(parent, entry.name))
    .flatMap((path) => [...(path.includes('holdfast') ? [path] : []), ...cgroups(path)]);
}

function nftTables(): string[] {
  if (!existsSync('/usr/sbin/nft')) return [];
  return execFileSync('/usr/sbin/nft', ['list', 'tables'], { encoding: 'utf8' }).split('\n').filter(Boolean);
}

function namespacesOf(pid: string): string[] {
  return ifThere(() => NAMESPACES.map((kind) => readlinkSync(`/proc/${pid}/ns/${kind}`))) ?? [];
}

function processOf(pid: string, run?: string): string[] {
  const found = ifThere(() => {
    const name = readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
    const ofRun = run !== undefined && readFileSync(`/proc/${pid}/environ`).includes(`HOLDFAST_TEST_RUN=${run}\0`);
    return ofRun || PROGRAMS.has(name) ? `${pid} ${name}: ${commandLine(pid)}` : undefined;
  });
  return found === undefined ? [] : [found];
}

function commandLine(pid: string): string {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').slice(0, 160);
}

function listeningTcp(table: string): string[] {
  return lines(table)
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[3] === TCP_LISTEN)
    .map((fields) => `TCP port ${Number.parseInt(fields[1]?.split(':')[1] ?? '', 16)} (${table})`);
}

function unixSockets(): string[] {
  return lines('/proc/net/unix')
    .map((line) => line.trim().split(/\s+/)[7] ?? '')
    .filter((path) => path.includes('holdfast'));
}

function filesUnder(root: string): string[] {
  const ours = readdirSync(root).filter((name) => name.startsWith('holdfast'));
  return ours.map((name) => join(root, name));
}

function lines(path: string): string[] {
  return readFileSync(path, 'utf8').split('\n').filter(Boolean);
}

/** A process may end, and a cgroup go, while it is looked at: then there is nothing to say about it. */
function ifThere<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
