import type { ImageSourceOptions, UpkeepSettings } from '../images/index.ts';
import type { AgentConfig } from './schema.ts';

const HOUR_MS = 3_600_000;
const FIRST_ROUND_MS = 60_000;
const TICK_MS = 5_000;

/** @returns how the image store of a configuration is opened; what is in use is for the caller to say. */
export function imageSourceOptions({ paths, images }: Pick<AgentConfig, 'paths' | 'images'>): ImageSourceOptions {
  const { download, store } = images;
  return {
    stateDir: paths.state,
    registries: {
      insecure: images.insecureRegistries,
      authFile: images.authFile ?? null,
      hosts: images.registries.map(({ host, mirrors, plainHttp, caFile, certificateFile, keyFile }) => ({
        ...{ host, mirrors, isPlainHttp: plainHttp },
        ...{ caFile: caFile ?? null, certificateFile: certificateFile ?? null, keyFile: keyFile ?? null },
      })),
    },
    pulling: {
      parallelLayers: download.parallelLayers,
      bytesPerSecond: download.bytesPerSecond ?? null,
      window: download.window
        ? { fromMinute: minute(download.window.from), toMinute: minute(download.window.to) }
        : null,
      reserveBytes: store.reserveBytes,
    },
    trustedKeys: images.keys.map(({ name, file }) => ({ name, keyFile: file })),
  };
}

/** @returns how often the store is looked after. */
export function upkeepSettings({ images }: Pick<AgentConfig, 'images'>): UpkeepSettings {
  const { verify, store } = images;
  return {
    roundMs: verify.everyHours * HOUR_MS,
    firstAfterMs: FIRST_ROUND_MS,
    verifyBytesPerSecond: verify.bytesPerSecond,
    keepUnusedMs: store.keepUnusedHours === 0 ? null : store.keepUnusedHours * HOUR_MS,
    tickMs: TICK_MS,
  };
}

/** @param time `HH:MM` @returns minutes since midnight */
function minute(time: string): number {
  const [hours = 0, minutes = 0] = time.split(':').map(Number);
  return hours * 60 + minutes;
}
