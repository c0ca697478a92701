import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type CgroupDriver, createCgroupDriver } from '../../native/cgroup/driver.ts';
import {
  type ContainerBackend,
  type ContainerExit,
  type ContainerSpec,
  createKernelBackend,
  type KernelBackendOptions,
  type ObservedContainer,
  type OciConfig,
  type OciProcess,
  type SandboxSpec,
} from '../../native/index.ts';
import { patience } from '../world/patience.ts';

/** A kernel backend on directories and a cgroup root of its own. */
export interface ContainerStage {
  readonly backend: ContainerBackend;
  readonly cgroups: CgroupDriver;
  readonly cgroupRoot: string;
  /** The image's only layer; a test may add to it before it starts a container. */
  readonly layer: string;
  readonly directory: string;
  readonly stateDir: string;
  readonly runDir: string;
  reopen(): Promise<ContainerBackend>;
  /** Makes sandbox `pod` unless told otherwise. */
  sandbox(changes?: Partial<SandboxSpec>): Promise<void>;
  /** A container of sandbox `pod` that runs a shell script. */
  spec(script: string, changes?: SpecChanges): ContainerSpec;
  /** Starts it and waits for its end. */
  run(script: string, changes?: SpecChanges): Promise<Run>;
  observed(name?: string): Promise<ObservedContainer>;
  exited(name?: string): Promise<ContainerExit>;
  close(): Promise<void>;
}

export interface SpecChanges {
  readonly sandboxId?: string;
  readonly name?: string;
  readonly layers?: readonly string[];
  readonly process?: Partial<OciProcess>;
  readonly config?: Partial<OciConfig>;
  readonly linux?: Partial<OciConfig['linux']>;
  readonly limits?: Partial<ContainerSpec['limits']>;
  readonly log?: Partial<ContainerSpec['log']>;
}

export interface Run {
  readonly exit: ContainerExit;
  readonly stdout: readonly string[];
  readonly stderr: readonly string[];
}

const PATIENCE_MS = patience(60_000);

/** Opens a stage with nothing running. */
export async function openContainerStage(
  options: Pick<KernelBackendOptions, 'networkNamespace'> = {},
): Promise<ContainerStage> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-test-'));
  const runDir = await mkdtemp('/dev/shm/holdfast-test-');
  const cgroupRoot = `/${basename(runDir)}`.toLowerCase();
  const stateDir = join(directory, 'state');
  const layer = join(directory, 'layer');
  await makeLayer(layer);
  const cgroups = await createCgroupDriver({ root: cgroupRoot });
  const open = (): Promise<ContainerBackend> => createKernelBackend({ stateDir, runDir, cgroupRoot, ...options });
  const backend = await open();
  const spec = (script: string, changes: SpecChanges = {}): ContainerSpec =>
    containerSpec(script, { layers: [layer], ...changes }, join(directory, 'logs'));
  const observed = async (name = 'app'): Promise<ObservedContainer> => {
    const { sandboxes } = await backend.observe();
    const found = sandboxes.flatMap(({ containers }) => containers).find((container) => container.name === name);
    if (found === undefined) throw new Error(`container ${name} is not observed`);
    return found;
  };
  const exited = (name = 'app'): Promise<ContainerExit> => untilSome(async () => (await observed(name)).exit);
  return {
    ...{ backend, cgroups, cgroupRoot, layer, directory, stateDir, runDir, reopen: open, spec, observed, exited },
    sandbox: (changes = {}) =>
      backend.createSandbox({
        id: 'pod',
        labels: {},
        hostname: 'pod-0',
        network: 'private',
        users: 'private',
        ...changes,
      }),
    run: async (script, changes) => {
      const asked = spec(script, changes);
      await backend.startContainer(asked);
      const exit = await exited(asked.name);
      return { exit, stdout: await readLog(asked, 'stdout'), stderr: await readLog(asked, 'stderr') };
    },
    close: async () => {
      await cgroups.kill('');
      await cgroups.remove('');
      await rm(runDir, { recursive: true, force: true });
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Asks until there is an answer. @throws when that takes too long. */
export async function untilSome<T>(ask: () => Promise<T | null | undefined | false>): Promise<T> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > deadline) throw new Error(`no answer in ${PATIENCE_MS} ms: ${ask}`);
    await sleep(10);
  }
}

/** @returns what a container wrote to one stream, lines put together again from their parts. */
export async function readLog(spec: ContainerSpec, stream: 'stdout' | 'stderr'): Promise<readonly string[]> {
  const text = await readFile(spec.log.path, 'utf8').catch(() => '');
  const lines = text.split('\n').slice(0, -1);
  return lines.flatMap((line) => {
    const [, from, , ...rest] = line.split(' ');
    return from === stream ? [rest.join(' ')] : [];
  });
}

function containerSpec(script: string, changes: SpecChanges, logDirectory: string): ContainerSpec {
  const { sandboxId = 'pod', name = 'app', layers = [] } = changes;
  const process: OciProcess = {
    args: ['sh', '-c', script],
    env: ['PATH=/bin'],
    cwd: '/',
    user: { uid: 0, gid: 0, umask: 0o22, additionalGids: [] },
    capabilities: [],
    noNewPrivileges: true,
    oomScoreAdj: 0,
    rlimits: [],
    ...changes.process,
  };
  const linux = { maskedPaths: [], readonlyPaths: [], seccomp: null, privileged: false, ...changes.linux };
  return {
    sandboxId,
    name,
    labels: {},
    config: { ociVersion: '1.2.0', process, root: { readonly: false }, mounts: [], linux, ...changes.config },
    layers,
    limits: { memoryBytes: null, cpuMillis: null, pids: null, ...changes.limits },
    log: { path: join(logDirectory, sandboxId, `${name}.log`), maxBytes: 1_000_000, maxFiles: 3, ...changes.log },
    stopSignal: 'SIGTERM',
  };
}

const APPLETS =
  'awk cat chown dd echo env find grep head hostname id ifconfig ipcs kill ls mkdir mknod mount ps pwd readlink seq sh sleep sort stat stty test touch true umount wc yes';

/** Makes a root file system of a static busybox and the names a script needs. */
async function makeLayer(layer: string): Promise<void> {
  await mkdir(join(layer, 'bin'), { recursive: true });
  await mkdir(join(layer, 'etc'));
  await cp('/bin/busybox', join(layer, 'bin/busybox'));
  await writeFile(join(layer, 'etc/from-layer'), 'layer\n');
  for (const applet of APPLETS.split(' ')) await symlink('busybox', join(layer, 'bin', applet));
}
