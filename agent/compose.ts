import { totalmem } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { createKernelBackend, openProjectQuotas } from '../native/index.ts';
import { DEFAULT_BUNDLE_DIR, openPolicyEngine } from '../policies/index.ts';
import { type ApiServer, serveApi } from './api/server.ts';
import { socketPath } from './api/socket-path.ts';
import { imageSourceOptions, upkeepSettings } from './config/image-options.ts';
import type { LoadedConfig } from './config/load-config.ts';
import { createSeccompProfiles } from './execute/seccomp-profiles.ts';
import { createVolumeQuotas } from './execute/volume-quotas.ts';
import { createImageSource, startUpkeep } from './images/index.ts';
import { type Agent, createAgent } from './loop/agent.ts';
import { createAllocator, ownRange6 } from './loop/allocator.ts';
import { nodeRoutes } from './loop/node-routes.ts';
import { readInputKey } from './material/input-key.ts';
import { createGitSource } from './source/index.ts';
import { openStateFiles, sweepStateFiles } from './state/state-files.ts';
import { createTelemetry } from './telemetry/index.ts';
import { version } from './version.ts';

/** An agent with everything it holds open. */
interface Composition {
  readonly agent: Agent;
  /** Ends the agent, then flushes telemetry. Containers run on. Takes a few seconds at most. */
  close(): Promise<void>;
}

/** A step that takes longer is cut off, as by a crash: the next agent takes up what it left. */
const LONGEST_STOP_MS = 5_000;

/**
 * Claims the node, builds an agent from its configuration, and closes all of it when the work is over.
 * @param work gets the agent, not started, and the local API, which answers nothing until it is told to serve it.
 * @throws coded errors when another agent runs, or a part of the configuration cannot be used.
 */
export async function withAgent<Result>(
  config: LoadedConfig,
  work: (agent: Agent, api: ApiServer) => Promise<Result>,
): Promise<Result> {
  // First of all, for the parts clean up after an agent that died, and must not do so beside one that lives.
  const api = await serveApi(socketPath(config));
  try {
    const { agent, close } = await compose(config);
    try {
      return await work(agent, api);
    } finally {
      api.serve(null);
      await close();
    }
  } finally {
    await api.close();
  }
}

/** The one place where the parts are chosen. */
async function compose(config: LoadedConfig): Promise<Composition> {
  const { source, policy, telemetry: otlp, paths, reconcile, network } = config;
  const telemetry = await createTelemetry({
    endpoint: otlp.endpoint ?? null,
    node: config.node.name,
    version,
    environment: otlp.environment ?? null,
    headersFile: otlp.headersFile ?? null,
    metricIntervalMs: otlp.metricIntervalMs,
  });
  await sweepStateFiles(paths.state);
  const state = openStateFiles(paths.state);
  const engine = await openPolicyEngine({
    bundleDir: policy.bundle ?? DEFAULT_BUNDLE_DIR,
    settings: policy.settings,
    timeoutMs: policy.timeoutMs,
  });
  const images = await createImageSource({ ...imageSourceOptions(config), inUse: () => agent.imagesInUse() });
  const agent: Agent = createAgent({
    node: config.node,
    version,
    branch: source.branch,
    source: await createGitSource({
      url: source.url,
      branch: source.branch,
      path: source.path,
      stateDir: paths.state,
      allowedSigners: source.signers.ssh ?? null,
      gpgKeyring: source.signers.gpg ?? null,
      auth: definedOnly(source.auth),
      limits: { timeoutMs: source.timeoutSeconds * 1_000 },
    }),
    images,
    imageAdmin: images.admin,
    engine,
    backend: await createKernelBackend({
      ...{ stateDir: paths.state, runDir: paths.run, cgroupRoot: config.cgroupRoot },
      ids: config.ids,
      ...(network.namespace === undefined ? {} : { networkNamespace: network.namespace }),
    }),
    telemetry,
    state,
    networks: createAllocator({
      pools: {
        ipv4: network.pools,
        prefix4: network.prefixLength,
        ipv6: network.ipv6 ? (network.pool6 ?? ownRange6(config.node.name)) : null,
      },
      state,
      routes: nodeRoutes,
    }),
    lastGood: await state.readLastGood(),
    execution: {
      roots: {
        ...{ stateDir: paths.state, runDir: paths.run, nameservers: network.nameservers },
        quotas: createVolumeQuotas(openProjectQuotas(paths.state)),
      },
      logs: { dir: paths.logs, ...config.logs },
      profiles: createSeccompProfiles(config.seccomp.profiles),
      memoryBytes: totalmem(),
      inputKey: await readInputKey(paths.state),
    },
    settings: {
      settleMs: reconcile.settleMs,
      onViolation: policy.onViolation,
      scanIntervalMs: reconcile.scanIntervalMs,
    },
    now: Date.now,
  });
  const upkeep = startUpkeep(images, upkeepSettings(config), telemetry);
  return {
    agent,
    close: async () => {
      await Promise.race([Promise.all([agent.stop(), upkeep.stop()]), sleep(LONGEST_STOP_MS)]);
      await engine.close();
      await telemetry.shutdown();
    },
  };
}

type Defined<T> = { [Key in keyof T]: Exclude<T[Key], undefined> };

function definedOnly<T extends object>(value: T): Defined<T> {
  return Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined)) as Defined<T>;
}
