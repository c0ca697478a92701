import { execFile } from 'node:child_process';
import { createCipheriv, createHash, randomBytes } from 'node:crypto';
import { access, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createApiClient } from '../../agent/api/client.ts';
import type { NodeStatus } from '../../manifests/index.ts';
import { createCgroupDriver } from '../../native/cgroup/driver.ts';
import { createKernelBackend } from '../../native/index.ts';
import { type Collector, startCollector } from './collector.ts';
import { type CosignKey, generateKey, sign } from './cosign.ts';
import { type Author, createAuthor } from './git-author.ts';
import { type GitServer, startGitServer } from './git-server.ts';
import { type BuiltImage, buildBusyboxImage } from './image-builder.ts';
import { type NetworkNamespace, openNetworkNamespace } from './network-namespace.ts';
import { type Program, startProgram } from './program.ts';
import { startRegistry } from './registry.ts';
import { type Fault, faultyRegistryProxy, type SeenRequest } from './registry-proxy.ts';
import { createSshSigner, type SshSigner, writeAllowedSigners } from './signing.ts';
import { makeTempDir } from './temp-dir.ts';

export { holds, runningPids } from './node-status.ts';

/** What a run of the command line did. */
export interface CliResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** One node with everything around it that a fleet has: Git server, registry, signing keys, telemetry receiver. All real. */
export interface Fleet {
  readonly directory: string;
  readonly configFile: string;
  /** Our cgroup on this node, below every hierarchy. */
  readonly cgroupRoot: string;
  /** The node, as far as networks go. */
  readonly network: NetworkNamespace;
  readonly git: GitServer;
  /** `host:port` of the registry, as image references name it. */
  readonly registryHost: string;
  readonly collector: Collector;
  readonly author: Author;
  readonly imageKey: CosignKey;
  /** Trusted to sign commits. */
  readonly signer: SshSigner;
  /** A signed image of busybox that runs as user 1000 and prints its version, then waits. */
  publish(version: string): Promise<BuiltImage>;
  /** The same, but nobody signs it. */
  publishUnsigned(version: string): Promise<BuiltImage>;
  /** Makes the registry misbehave from now on; null lets it work again. */
  breakRegistry(misbehave: ((request: SeenRequest) => Fault | null) | null): void;
  /** Changes the agent's configuration file; the next agent reads it. */
  configure(change: (config: FleetConfig) => void): Promise<void>;
  /** @param program file of the command line; the sources' unless given. */
  startAgent(program?: string): Promise<Program>;
  /** Runs `holdfast` with this fleet's configuration. */
  holdfast(...args: readonly string[]): Promise<CliResult>;
  /** Asks the agent over its local API. */
  status(): Promise<NodeStatus>;
  /** Waits until the agent's status is as wanted; throws with the last status when it does not come in time. */
  until(what: string, isSo: (status: NodeStatus) => boolean, timeoutMs?: number): Promise<NodeStatus>;
  /** Ends everything and removes every container and file of it. The agent must have been stopped. */
  stop(): Promise<void>;
}

const MAIN = new URL('../../agent/main.ts', import.meta.url).pathname;
/** The command line is started as users do, so that its first line says how Node runs it; this one, not another. */
const NODE_ON_PATH = { PATH: `${dirname(process.execPath)}:${process.env.PATH}` };

/** Starts a fleet of one node with an empty repository; the agent is not running yet. */
export async function startFleet(): Promise<Fleet> {
  const temp = await makeTempDir();
  const [git, registry, collector] = await Promise.all([startGitServer(), startRegistry(), startCollector()]);
  let misbehave: ((request: SeenRequest) => Fault | null) | null = null;
  const proxy = await faultyRegistryProxy(registry.host, (request) => misbehave?.(request) ?? null);
  const registryHost = proxy.host;
  const repository = await git.createRepository('fleet');
  const signer = await createSshSigner({ directory: join(temp.path, 'keys'), principal: 'ops@example.org' });
  const imageKey = await generateKey(join(temp.path, 'keys'));
  const allowedSigners = join(temp.path, 'allowed_signers');
  await writeAllowedSigners(allowedSigners, [{ signer }]);
  // Networks of pods are made apart from this machine's, and go with the namespace.
  const network = await openNetworkNamespace();
  const author = await createAuthor({ directory: join(temp.path, 'work-tree'), remote: repository, signer });
  const configFile = join(temp.path, 'agent.yaml');
  const cgroupRoot = `/holdfast-test-${randomBytes(4).toString('hex')}`;
  const directory = temp.path;
  const config = agentConfig({
    directory,
    cgroupRoot,
    allowedSigners,
    url: git.httpUrl('fleet'),
    registryHost,
    collector,
    imageKey,
    networkNamespace: network.path,
  });
  await writeFile(configFile, JSON.stringify(config, null, 2));

  const holdfast = (...args: readonly string[]): Promise<CliResult> => runCli(['--config', configFile, ...args]);
  const publishUnsigned = (version: string): Promise<BuiltImage> => publishImage(registryHost, version);
  const api = createApiClient(join(directory, 'run', 'agent.sock'));
  return {
    ...{
      network,
      directory,
      configFile,
      cgroupRoot,
      git,
      registryHost,
      collector,
      author,
      signer,
      publishUnsigned,
      holdfast,
    },
    imageKey,
    status: api.status,
    publish: async (version) => {
      const image = await publishUnsigned(version);
      await sign({ key: imageKey, reference: image.reference });
      return image;
    },
    breakRegistry: (fault) => {
      misbehave = fault;
    },
    configure: async (change) => {
      change(config);
      await writeFile(configFile, JSON.stringify(config, null, 2));
    },
    startAgent: (program = MAIN) =>
      startProgram({
        command: program,
        args: ['--config', configFile, 'agent'],
        env: NODE_ON_PATH,
        ready: /agent of node \S+ runs/,
      }),
    until: (what, isSo, timeoutMs = 60_000) => waitForStatus(api.status, what, isSo, timeoutMs),
    stop: async () => {
      await removeContainers(directory, cgroupRoot, network.path);
      await network.close();
      await proxy.stop();
      await Promise.all([git.stop(), registry.stop(), collector.stop()]);
      await temp.remove();
    },
  };
}

/** Pushes an image of busybox that runs as user 1000 and prints its version, then waits. Nobody signs it. */
export function publishImage(registry: string, version: string): Promise<BuiltImage> {
  return buildBusyboxImage({
    registry,
    name: 'app',
    tag: version,
    files: [
      { name: 'etc/version', content: `${version}\n` },
      { name: 'etc/ballast', content: ballast(version) },
    ],
    config: {
      User: '1000:1000',
      Entrypoint: ['/bin/sh', '-c', 'echo "app $(cat /etc/version) started"; exec sleep 100000'],
    },
  });
}

/** The same 200 kB for the same version, which no compression makes smaller: a layer that takes several reads. */
function ballast(version: string): Buffer {
  return createCipheriv('aes-128-ctr', createHash('md5').update(version).digest(), Buffer.alloc(16)).update(
    Buffer.alloc(200_000),
  );
}

/** The agent's configuration, as far as tests change it. */
export interface FleetConfig {
  readonly [section: string]: unknown;
  source: Record<string, unknown>;
  policy?: Record<string, unknown>;
  reconcile: Record<string, unknown>;
}

interface ConfigInput {
  readonly directory: string;
  readonly cgroupRoot: string;
  readonly allowedSigners: string;
  readonly url: string;
  readonly registryHost: string;
  readonly collector: Collector;
  readonly imageKey: CosignKey;
  readonly networkNamespace: string;
}

/** JSON is YAML. */
function agentConfig({
  directory,
  cgroupRoot,
  allowedSigners,
  url,
  registryHost,
  collector,
  imageKey,
  networkNamespace,
}: ConfigInput): FleetConfig {
  return {
    apiVersion: 'holdfast.dev/v1alpha1',
    kind: 'AgentConfig',
    node: { name: 'node-1', labels: { role: 'edge' } },
    source: { url, schedule: '*/1 * * * * *', jitterSeconds: 0, signers: { ssh: allowedSigners } },
    images: { insecureRegistries: [registryHost], keys: [{ name: 'release', file: imageKey.publicKeyFile }] },
    telemetry: { endpoint: collector.endpoint, environment: 'test', metricIntervalMs: 500 },
    paths: { state: join(directory, 'state'), run: join(directory, 'run'), logs: join(directory, 'logs') },
    reconcile: { scanIntervalMs: 500, settleMs: 1_000 },
    network: { namespace: networkNamespace },
    cgroupRoot,
  };
}

function runCli(args: readonly string[]): Promise<CliResult> {
  return new Promise((resolve) => {
    const options = { env: { ...process.env, ...NODE_ON_PATH }, maxBuffer: 64 * 1024 * 1024 };
    execFile(MAIN, args, options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), stdout, stderr });
    });
  });
}

async function waitForStatus(
  read: () => Promise<NodeStatus>,
  what: string,
  isSo: (status: NodeStatus) => boolean,
  timeoutMs: number,
): Promise<NodeStatus> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const status = await read().catch((error: Error) => error);
    if (!(status instanceof Error) && isSo(status)) return status;
    if (Date.now() > deadline) {
      const last = status instanceof Error ? status.message : JSON.stringify(status, null, 1);
      throw new Error(`not within ${timeoutMs} ms: ${what}\n${last}`);
    }
    await sleep(50);
  }
}

/** Removes what the agent made, as a new agent that wants nothing would. */
async function removeContainers(directory: string, cgroupRoot: string, networkNamespace: string): Promise<void> {
  const runDir = join(directory, 'run');
  const isUsed = await access(runDir).then(
    () => true,
    () => false,
  );
  if (!isUsed) return;
  const backend = await createKernelBackend({
    ...{ stateDir: join(directory, 'state'), runDir, cgroupRoot, networkNamespace },
  });
  const { sandboxes, strangers } = await backend.observe();
  for (const { id } of strangers) await backend.removeStranger(id);
  for (const { id } of sandboxes) await backend.removeSandbox(id);
  await (await createCgroupDriver({ root: cgroupRoot })).remove('');
}

/** @returns the cgroup v1 or v2 file that limits the memory of a container. */
export async function memoryLimitFile(cgroupRoot: string, pod: string, container: string): Promise<string> {
  const mounts = await readFile('/proc/self/mountinfo', 'utf8');
  const v1 = /^\S+ \S+ \S+ \S+ (\S+) .* - cgroup \S+ \S*\bmemory\b/m.exec(mounts)?.[1];
  const v2 = / - cgroup2 /.test(mounts) ? /^\S+ \S+ \S+ \S+ (\S+) .* - cgroup2 /m.exec(mounts)?.[1] : undefined;
  const [mount, file] = v1 === undefined ? [v2, 'memory.max'] : [v1, 'memory.limit_in_bytes'];
  return join(mount ?? '', cgroupRoot, pod, container, file);
}
