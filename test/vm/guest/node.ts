import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createApiClient } from '../../../agent/api/client.ts';
import type { NodeStatus } from '../../../manifests/index.ts';
import { holds, runningPids } from '../../world/node-status.ts';
import { until } from './check.ts';
import { readGuestWorld, WORLD } from './guest-world.ts';

const run = promisify(execFile);

const ROOT = join(import.meta.dirname, '../../..');
const REPOSITORY = join(WORLD, 'fleet.git');
/** As `npm run build:agent` makes it. */
export const RELEASED_AGENT = join(ROOT, '.cache/dist/agent/main.cjs');
const CONVERGE_MS = 900_000;

/** Where the agent keeps its state, and where its containers' cgroups are: those of the units in `agent/systemd/`. */
export const STATE_DIR = '/var/lib/holdfast';
export const PODS_CGROUP = '/system.slice/holdfast-pods.service/pods';

const agent = createApiClient('/run/holdfast/agent.sock');

/** Installs the agent as its units say, enabled, not started. The next boots find it installed. */
export async function installAgent(): Promise<void> {
  const { registryHost } = readGuestWorld();
  const config = {
    apiVersion: 'holdfast.dev/v1alpha1',
    kind: 'AgentConfig',
    node: { name: 'vm' },
    source: {
      url: `file://${REPOSITORY}`,
      schedule: '*/2 * * * * *',
      jitterSeconds: 0,
      signers: { ssh: join(WORLD, 'allowed_signers') },
    },
    images: { insecureRegistries: [registryHost], keys: [{ name: 'release', file: join(WORLD, 'keys/cosign.pub') }] },
    // An emulated processor takes long to compile WebAssembly.
    policy: { timeoutMs: 60_000 },
    cgroupRoot: PODS_CGROUP,
  };
  await mkdir('/etc/holdfast', { recursive: true });
  await writeFile('/etc/holdfast/agent.yaml', JSON.stringify(config, null, 2));
  await installUnits((unit) => unit);
  await systemctl('enable', 'holdfast.service');
}

/** Installs other units, as an upgrade does: the next agent is the released one, in one file. Restarts nothing. */
export async function upgradeAgent(): Promise<void> {
  await installUnits((unit) =>
    unit.replace('/opt/holdfast/agent/main.ts', RELEASED_AGENT).replace(/^Description=.*/m, '$&, upgraded'),
  );
}

async function installUnits(change: (unit: string) => string): Promise<void> {
  for (const name of ['holdfast.service', 'holdfast-pods.service']) {
    const unit = await readFile(join(ROOT, 'agent/systemd', name), 'utf8');
    await writeFile(join('/etc/systemd/system', name), change(unit));
  }
  await systemctl('daemon-reload');
}

/** Moves branch `main` to a commit, durably. */
export async function pushCommit(commit: string): Promise<void> {
  await run('git', ['--git-dir', REPOSITORY, 'update-ref', 'refs/heads/main', commit]);
  await run('sync', ['--file-system', REPOSITORY]);
}

/** Waits until the agent says that the node runs what a commit asks for. @returns the status then */
export async function untilConverged(commit: string): Promise<NodeStatus> {
  let last = 'no answer';
  const converged = async (): Promise<NodeStatus | null> => {
    const status = await agent.status().catch((error: Error) => error);
    last = status instanceof Error ? status.message : JSON.stringify(status);
    if (status instanceof Error || status.revision?.commit !== commit) return null;
    // A pod of the version before may still be on its way out.
    const isAlone = status.workloads.every(({ pods, desired }) => pods.length === desired);
    return isAlone && holds(status, 'Ready') && holds(status, 'Synced') ? status : null;
  };
  return until(`the node runs ${commit}`, CONVERGE_MS, converged).catch((error: Error) => {
    throw new Error(`${error.message}; last: ${last}`);
  });
}

/** @returns the processes of all containers, by pod and container. */
export async function containerPids(): Promise<Readonly<Record<string, number>>> {
  return runningPids(await agent.status());
}

/** @returns every cgroup below that of the containers, such as `pod` and `pod/app`, sorted. */
export async function podCgroups(): Promise<readonly string[]> {
  const root = join('/sys/fs/cgroup', PODS_CGROUP);
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .sort();
}

/** @returns the cgroup of a process. */
export async function cgroupOf(pid: number): Promise<string> {
  return (await readFile(`/proc/${pid}/cgroup`, 'utf8')).trim().replace(/^0::/, '');
}

/** Runs systemctl. @returns what it said */
export async function systemctl(...args: readonly string[]): Promise<string> {
  return (await run('systemctl', [...args])).stdout.trim();
}
