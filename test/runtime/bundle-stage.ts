import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, open, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { createCgroupDriver } from '../../native/cgroup/driver.ts';
import { patience } from '../world/patience.ts';

const MAIN = join(import.meta.dirname, '../../native/runtime/main.ts');
const APPLETS = [
  'sh',
  'cat',
  'echo',
  'id',
  'hostname',
  'kill',
  'ls',
  'mknod',
  'mount',
  'ps',
  'readlink',
  'sleep',
  'touch',
  'uname',
];
const PATIENCE_MS = patience(10_000);

/** A config.json before it is read: any field may be missing or wrong. */
// biome-ignore lint/suspicious/noExplicitAny: tests write what no schema allows
export type Config = any;

/** A bundle as `crun spec` makes it, with busybox, and a runtime root of its own. */
export interface BundleStage {
  readonly directory: string;
  readonly rootfs: string;
  readonly bundle: string;
  readonly cgroupPath: string;
  /** Runs the command line as a program and waits for its end. A container's output goes on after it. */
  runtime(...args: readonly string[]): Promise<Outcome>;
  /** The same with more descriptors, from 3 on. */
  runtimeGiven(descriptors: readonly number[], ...args: readonly string[]): Promise<Outcome>;
  /** Starts a command that tells line after line. */
  runtimeLines(...args: readonly string[]): Lines;
  /** Writes the bundle's config.json: a shell script as process, then the changes. */
  configure(script: string, change?: (config: Config) => void): Promise<void>;
  /** Creates and starts a container and waits until it stopped. @returns its output. */
  run(id?: string): Promise<string>;
  output(): Promise<string>;
  state(id?: string): Promise<{ readonly status: string; readonly pid: number }>;
  until(status: string, id?: string): Promise<void>;
  close(): Promise<void>;
}

/** A command that runs, and what it has told. */
export interface Lines {
  until(isIt: (line: string) => boolean): Promise<void>;
  /** Its exit status. */
  readonly ended: Promise<number | null>;
}

export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Opens a stage with nothing created. */
export async function openBundleStage(): Promise<BundleStage> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-test-'));
  const bundle = join(directory, 'bundle');
  const rootfs = join(bundle, 'rootfs');
  const cgroupPath = `/${basename(directory)}`;
  await makeRootfs(rootfs);
  execFileSync('crun', ['spec'], { cwd: bundle });
  const template = await readFile(join(bundle, 'config.json'), 'utf8');
  const [out, err] = [join(directory, 'out'), join(directory, 'err')];
  await writeFile(out, '');
  const runtimeGiven: BundleStage['runtimeGiven'] = async (descriptors, ...args) => {
    // What a container writes comes after its creation, and into the file that `create` was given.
    const answer = args[0] === 'create' ? out : join(directory, 'answer');
    const files = [await open(answer, args[0] === 'create' ? 'a' : 'w'), await open(err, 'w')] as const;
    const global = ['--root', join(directory, 'run')];
    const stdio = ['ignore' as const, files[0].fd, files[1].fd, ...descriptors];
    const child = spawn(process.execPath, [MAIN, ...global, ...args], { cwd: bundle, stdio });
    const [status] = await once(child, 'exit');
    for (const file of files) await file.close();
    return { status, stdout: await readFile(answer, 'utf8'), stderr: await readFile(err, 'utf8') };
  };
  const runtime: BundleStage['runtime'] = (...args) => runtimeGiven([], ...args);
  const runtimeLines: BundleStage['runtimeLines'] = (...args) => {
    const all = [MAIN, '--root', join(directory, 'run'), ...args];
    const child = spawn(process.execPath, all, { cwd: bundle, stdio: ['ignore', 'pipe', 'inherit'] });
    const told: string[] = [];
    createInterface(child.stdout).on('line', (line) => told.push(line));
    return {
      ended: once(child, 'exit').then(([status]) => status as number | null),
      until: async (isIt) => {
        const deadline = Date.now() + PATIENCE_MS;
        while (!told.some(isIt)) {
          if (Date.now() > deadline) throw new Error(`not told: ${told.join('\n')}`);
          await sleep(20);
        }
      },
    };
  };
  const state: BundleStage['state'] = async (id = 'c') =>
    JSON.parse((await expectSuccess(runtime('state', id))).stdout);
  const until: BundleStage['until'] = async (status, id = 'c') => {
    const deadline = Date.now() + PATIENCE_MS;
    while ((await state(id)).status !== status) {
      if (Date.now() > deadline) throw new Error(`container ${id} is not ${status}: ${await readFile(out, 'utf8')}`);
      await sleep(20);
    }
  };
  return {
    ...{ directory, bundle, rootfs, cgroupPath, runtime, runtimeGiven, runtimeLines, state, until },
    configure: async (script, change = () => undefined) => {
      const config: Config = JSON.parse(template);
      config.process.terminal = false;
      config.process.args = ['sh', '-c', script];
      config.linux.cgroupsPath = `${cgroupPath}/c`;
      change(config);
      await writeFile(join(bundle, 'config.json'), JSON.stringify(config));
    },
    run: async (id = 'c') => {
      await expectSuccess(runtime('create', id));
      await expectSuccess(runtime('start', id));
      await until('stopped', id);
      return readFile(out, 'utf8');
    },
    output: () => readFile(out, 'utf8'),
    close: async () => {
      const cgroups = await createCgroupDriver({ root: cgroupPath });
      await cgroups.kill('');
      await cgroups.remove('');
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Waits for a command that must succeed. @throws with its error output. */
export async function expectSuccess(outcome: Promise<Outcome>): Promise<Outcome> {
  const ended = await outcome;
  if (ended.status !== 0) throw new Error(`status ${ended.status}: ${ended.stderr}`);
  return ended;
}

/** Lays out a root file system with busybox. */
export async function makeRootfs(rootfs: string): Promise<void> {
  await mkdir(join(rootfs, 'bin'), { recursive: true });
  // The root of a user namespace could not make them in a directory of the node's root.
  for (const name of ['proc', 'sys', 'dev']) await mkdir(join(rootfs, name));
  await copyFile('/bin/busybox', join(rootfs, 'bin/busybox'));
  for (const applet of APPLETS) await symlink('busybox', join(rootfs, 'bin', applet));
}
