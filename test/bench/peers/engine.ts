import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { BenchNode } from '../bench-node.ts';
import { type PeerWorld, reasonMissing } from './peer-world.ts';

const run = promisify(execFile);
const IMAGE = 'localhost/bench:latest';
const READY_TRIES = 200;

/** A container engine that is measured beside ours, private to the bench: it has its own storage, state and sockets. */
export interface Engine {
  readonly name: string;
  /** Milliseconds that `run --rm` of /bin/true takes. */
  time(network: 'none' | 'bridge and port'): Promise<number>;
  /** Starts a container in the background. @returns its name, for `remove`. */
  start(args: readonly string[], ...options: readonly string[]): Promise<string>;
  /** Resolves when it has ended. */
  wait(name: string): Promise<void>;
  remove(name: string): Promise<void>;
  close(): Promise<void>;
}

/** @returns podman on storage of its own, or why it does not run. */
export async function openPodman(node: BenchNode, world: PeerWorld): Promise<Engine | string> {
  const why = await reasonMissing('podman', '--version');
  if (why !== null) return why;
  const directory = join(node.directory, 'podman');
  await mkdir(directory);
  // Its own default limits of open files ask for more than every machine may grant.
  await writeFile(join(directory, 'containers.conf'), '[containers]\ndefault_ulimits = []\n');
  const paths = `--root "${directory}/root" --runroot "${directory}/run" --tmpdir "${directory}/tmp"`;
  const podman = `CONTAINERS_CONF="${directory}/containers.conf" podman ${paths} --cgroup-manager cgroupfs --events-backend none`;
  return engineOf({ name: 'podman', command: podman, node, world });
}

/** @returns docker with a daemon of its own, or why it does not run. */
export async function openDocker(node: BenchNode, world: PeerWorld): Promise<Engine | string> {
  const why = await reasonMissing('dockerd', '--version');
  if (why !== null) return why;
  const directory = join(node.directory, 'docker');
  const socket = `unix://${directory}/socket`;
  await mkdir(directory);
  const options = [
    ...[`--data-root=${directory}/data`, `--exec-root=${directory}/exec`, `--pidfile=${directory}/pid`],
    ...[`--host=${socket}`, '--storage-driver=overlay2', `--cgroup-parent=${world.cgroupRoot}`],
  ];
  const [program, ...args] = world.enter('dockerd', ...options);
  const daemon = spawn(program, args, { stdio: 'ignore' });
  const docker = `/usr/bin/docker --host ${socket}`;
  for (let tries = 0; !(await answers(world, docker)); tries++) {
    if (tries === READY_TRIES || daemon.exitCode !== null) {
      await end(daemon);
      return 'its daemon does not answer; run dockerd by hand to see why';
    }
    await sleep(50);
  }
  const engine = await engineOf({ name: 'docker', command: docker, node, world });
  if (typeof engine === 'string') await end(daemon);
  else return { ...engine, close: () => end(daemon) };
  return engine;
}

async function answers(world: PeerWorld, docker: string): Promise<boolean> {
  return world.bash(`${docker} info`).then(
    () => true,
    () => false,
  );
}

async function end(daemon: ChildProcess): Promise<void> {
  if (daemon.exitCode !== null) return;
  const ended = once(daemon, 'exit');
  daemon.kill('SIGTERM');
  await ended;
}

interface EngineParts {
  readonly name: string;
  readonly command: string;
  readonly node: BenchNode;
  readonly world: PeerWorld;
}

const LIMITS = '--memory 64m --cpus 0.5 --pids-limit 64';
const NETWORKS = { none: '--network none', 'bridge and port': '--publish 127.0.0.1:18080:80' };

/** Imports the image and tries it once: what does not work says why in its own words. */
async function engineOf({ name, command, node, world }: EngineParts): Promise<Engine | string> {
  const parent = `--cgroup-parent ${world.cgroupRoot}`;
  const runOnce = (options: string): string => `${command} run --rm ${parent} ${LIMITS} ${options} ${IMAGE} /bin/true`;
  let count = 0;
  try {
    await run('tar', ['--create', '--file', join(node.directory, `${name}.tar`), '--directory', node.layer, '.']);
    await world.bash(`${command} import "$1" ${IMAGE}`, join(node.directory, `${name}.tar`));
    await world.bash(runOnce(NETWORKS.none));
  } catch (error) {
    return (error as { stderr?: string }).stderr?.trim().split('\n').at(-1) ?? String(error);
  }
  return {
    name,
    time: (network) => world.time(runOnce(NETWORKS[network])),
    start: async (args, ...options) => {
      const id = `bench-${count++}`;
      const detached = `run --detach --name ${id} ${parent} --network none ${options.join(' ')}`;
      await world.bash(`${command} ${detached} ${IMAGE} "$@"`, ...args);
      return id;
    },
    wait: async (id) => void (await world.bash(`${command} wait ${id}`)),
    remove: async (id) => void (await world.bash(`${command} rm --force ${id}`)),
    close: async () => undefined,
  };
}
