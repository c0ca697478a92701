import {
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { ContainerSpec } from '../backend.ts';
import type { BackendContext } from '../context.ts';
import type { Layout } from '../records/layout.ts';
import type { BridgedRecord, BridgedSandbox, SandboxRecord, TrafficRecord } from '../records/records.ts';

type Ground = Pick<BackendContext, 'layout' | 'records'>;

const LOCALHOST = '127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n';
/** The first line says which networks' sandboxes a file tells of. */
const TITLE = '# networks: ';

/** Gives a container of a bridged sandbox the hosts file of its networks as /etc/hosts, in place of any other. */
export function withHostsFile(layout: Layout, sandbox: SandboxRecord, spec: ContainerSpec): ContainerSpec {
  if (typeof sandbox.network !== 'object') return spec;
  const destination = '/etc/hosts';
  const source = fileOf(layout, { ...sandbox, network: sandbox.network });
  const others = spec.config.mounts.filter((mount) => mount.destination !== destination);
  const mount = { destination, source, type: 'bind', options: ['bind', 'ro', 'nosuid', 'nodev', 'noexec'] } as const;
  return { ...spec, config: { ...spec.config, mounts: [...others, mount] } };
}

/** Tells the neighbours of a sandbox, whose record is written, where it is. */
export async function addToHostsFiles(ground: Ground, sandbox: BridgedSandbox): Promise<void> {
  const own = fileOf(ground.layout, sandbox);
  changeFiles(ground, sandbox.network, (lines, networks) => [...lines, ...linesOf(sandbox, networks)]);
  if (!existsSync(own)) {
    mkdirSync(ground.layout.hostsDir, { recursive: true, mode: 0o700 });
    rewrite(own, contentOf(sandbox, await ground.records.sandboxes(), ground.records.traffic()));
  }
}

/** Has the neighbours of a sandbox forget it. */
export function removeFromHostsFiles(ground: Pick<Ground, 'layout'>, sandbox: BridgedSandbox): void {
  const { network } = sandbox;
  const gone = network.networks.flatMap(({ ipv4, ipv6 }) => [`${ipv4}\t`, ...(ipv6 === null ? [] : [`${ipv6}\t`])]);
  if (network.hosts !== undefined) rmSync(fileOf(ground.layout, sandbox), { force: true });
  changeFiles(ground, network, (lines) => lines.filter((line) => !gone.some((start) => line.startsWith(start))));
}

/** Writes every hosts file anew from the records, and removes those of networks nobody is on. */
export function writeHostsFiles({ layout, records }: Ground, sandboxes: readonly SandboxRecord[]): void {
  const wanted = new Map<string, BridgedSandbox>();
  for (const sandbox of sandboxes) {
    if (typeof sandbox.network !== 'object') continue;
    const bridged = { ...sandbox, network: sandbox.network };
    wanted.set(fileOf(layout, bridged), bridged);
  }
  for (const path of filesOf(layout)) if (!wanted.has(path)) rmSync(path, { force: true });
  if (wanted.size > 0) mkdirSync(layout.hostsDir, { recursive: true, mode: 0o700 });
  for (const [path, reader] of wanted) {
    const content = contentOf(reader, sandboxes, records.traffic());
    if (!existsSync(path) || readFileSync(path, 'utf8') !== content) rewrite(path, content);
  }
}

/** Shared by all that are on the same networks, but for those with lines of their own. */
function fileOf(layout: Layout, { id, network }: BridgedSandbox): string {
  return layout.hostsFile(namesOf(network), network.hosts === undefined ? undefined : id);
}

function changeFiles(
  { layout }: Pick<Ground, 'layout'>,
  network: BridgedRecord,
  change: (lines: readonly string[], networks: readonly string[]) => readonly string[],
): void {
  const concerned = namesOf(network);
  for (const path of filesOf(layout)) {
    const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1);
    const networks = (lines[0] ?? '').slice(TITLE.length).split(' ');
    if (networks.some((name) => concerned.includes(name)))
      rewrite(
        path,
        change(lines, networks)
          .map((line) => `${line}\n`)
          .join(''),
      );
  }
}

/**
 * In place, for containers have the very file mounted, and so that a reader never finds less than the lines that stay:
 * what the new text does not cover is blanked before it is cut off.
 */
function rewrite(path: string, content: string): void {
  const fd = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o644);
  try {
    fchmodSync(fd, 0o644);
    const bytes = Buffer.from(content);
    const padding = Buffer.alloc(Math.max(0, fstatSync(fd).size - bytes.length), '\n');
    writeSync(fd, Buffer.concat([bytes, padding]), 0, undefined, 0);
    ftruncateSync(fd, bytes.length);
  } finally {
    closeSync(fd);
  }
}

function contentOf(reader: BridgedSandbox, sandboxes: readonly SandboxRecord[], traffic: TrafficRecord): string {
  const networks = namesOf(reader.network);
  const lines = [
    ...(reader.network.hosts ?? []).map(({ address, names }) => `${address}\t${names.join(' ')}`),
    ...sandboxes.flatMap((sandbox) => linesOf(sandbox, networks)),
    ...networks.flatMap((network) => serviceLines(network, sandboxes, traffic)),
  ];
  return `${TITLE}${networks.join(' ')}\n${LOCALHOST}${lines.map((line) => `${line}\n`).join('')}`;
}

/** A service is known by its own address, or when headless by those of its backends. */
function serviceLines(
  network: string,
  sandboxes: readonly SandboxRecord[],
  { rules, addresses }: TrafficRecord,
): readonly string[] {
  return rules.services
    .filter(({ networks }) => networks.includes(network))
    .flatMap(({ name, names, isHeadless, backends }) => {
      const own = addresses[network]?.[name];
      const places = isHeadless
        ? backends.flatMap(({ sandbox }) =>
            placeOn(
              network,
              sandboxes.find(({ id }) => id === sandbox),
            ),
          )
        : own === undefined
          ? []
          : [own];
      return places
        .flatMap(({ ipv4, ipv6 }) => (ipv6 === null ? [ipv4] : [ipv4, ipv6]))
        .map((address) => `${address}\t${names.join(' ')}`);
    });
}

function placeOn(network: string, sandbox: SandboxRecord | undefined): BridgedRecord['networks'] {
  if (typeof sandbox?.network !== 'object') return [];
  return sandbox.network.networks.filter(({ name }) => name === network);
}

function linesOf({ hostname, network }: SandboxRecord, networks: readonly string[]): readonly string[] {
  if (typeof network !== 'object') return [];
  return network.networks.flatMap(({ name, aliases, ipv4, ipv6 }) => {
    const names = [...new Set([hostname, ...aliases])].join(' ');
    const addresses = ipv6 === null ? [ipv4] : [ipv4, ipv6];
    return networks.includes(name) ? addresses.map((address) => `${address}\t${names}`) : [];
  });
}

function namesOf(network: BridgedRecord): readonly string[] {
  return network.networks.map(({ name }) => name);
}

function filesOf({ hostsDir }: Layout): readonly string[] {
  return existsSync(hostsDir) ? readdirSync(hostsDir).map((name) => join(hostsDir, name)) : [];
}
