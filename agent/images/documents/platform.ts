import type { Descriptor, IndexDocument } from './manifest.ts';

/** A platform in the words of the image spec: GOOS, GOARCH and, for arm, the variant. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant: string | null;
}

/** @returns the platform of this node, by Node's name of the CPU. Its ABI tells arm variants no finer than v7. */
export function hostPlatform(arch: string = process.arch): Platform {
  const architectures: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386', ppc64: 'ppc64le' };
  const variants: Readonly<Record<string, string>> = { arm64: 'v8', arm: 'v7' };
  return { os: 'linux', architecture: architectures[arch] ?? arch, variant: variants[arch] ?? null };
}

/** @returns the manifest of an index that runs best on a platform, or null when none does. */
export function selectManifest(index: IndexDocument, platform: Platform): Descriptor | null {
  let best: { readonly manifest: Descriptor; readonly rank: number } | null = null;
  for (const manifest of index.manifests) {
    if (!manifest.platform) continue;
    const rank = suitability({ ...manifest.platform, variant: manifest.platform.variant ?? null }, platform);
    if (rank > (best?.rank ?? 0)) best = { manifest, rank };
  }
  return best?.manifest ?? null;
}

/** @returns how well a candidate runs on a platform: 0 is not at all, more is better. */
export function suitability(candidate: Platform, platform: Platform): number {
  if (candidate.os !== platform.os || candidate.architecture !== platform.architecture) return 0;
  if (candidate.variant === platform.variant) return 100;
  if (candidate.variant === null) return 50;
  const [offered, ours] = [variantLevel(candidate.variant), variantLevel(platform.variant)];
  return offered <= ours ? offered : 0;
}

/** arm `v6` runs on `v7`, amd64 `v2` on `v3`; a platform that names none is the first. */
function variantLevel(variant: string | null): number {
  const level = /^v(\d+)$/.exec(variant ?? 'v1')?.[1];
  return level === undefined ? Number.POSITIVE_INFINITY : Number(level);
}
