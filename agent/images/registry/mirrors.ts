import { ImageError } from '../image-source.ts';
import type { RegistryTarget } from './target.ts';

/** A mirror that could not be reached is not asked again for this long, unless nothing else is left. */
const AVOID_MS = 60_000;

/** Where the content of a repository may be had. */
export interface Mirrors {
  /** @returns the mirrors of a registry that seem to work, then the registry itself. */
  places(target: RegistryTarget): readonly RegistryTarget[];
  /**
   * Asks one place after the other until one answers.
   * @throws ImageError of the registry itself, whatever the mirrors said
   */
  ask<T>(target: RegistryTarget, question: (place: RegistryTarget, isLast: boolean) => Promise<T>): Promise<T>;
  /** Notes that a place failed. */
  failed(place: RegistryTarget, error: unknown): void;
}

/** @param mirrorsOf by registry: `host[:port][/path]`, in the order they are to be asked. */
export function createMirrors(mirrorsOf: ReadonlyMap<string, readonly string[]>): Mirrors {
  const avoidUntil = new Map<string, number>();
  const places = (target: RegistryTarget): readonly RegistryTarget[] => {
    const mirrors = (mirrorsOf.get(target.registry) ?? []).map((mirror) => mirrored(target, mirror));
    return [...mirrors.filter(({ registry }) => (avoidUntil.get(registry) ?? 0) <= performance.now()), target];
  };
  const failed = ({ registry }: RegistryTarget, error: unknown): void => {
    if ((error as Partial<ImageError>).code === 'unreachable') avoidUntil.set(registry, performance.now() + AVOID_MS);
  };
  return {
    places,
    failed,
    ask: async (target, question) => {
      for (const place of places(target)) {
        if (place === target) break;
        try {
          return await question(place, false);
        } catch (error) {
          if (!(error instanceof ImageError)) throw error;
          failed(place, error);
        }
      }
      return question(target, true);
    },
  };
}

function mirrored({ reference, repository }: RegistryTarget, mirror: string): RegistryTarget {
  const slash = mirror.indexOf('/');
  if (slash < 0) return { reference, registry: mirror, repository };
  return { reference, registry: mirror.slice(0, slash), repository: `${mirror.slice(slash + 1)}/${repository}` };
}
