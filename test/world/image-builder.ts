import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { pack } from 'tar-stream';

/** One entry of a layer; a regular file unless `type` says otherwise. */
export interface TarEntry {
  readonly name: string;
  readonly type?: 'file' | 'directory' | 'symlink' | 'link' | 'fifo' | 'character-device' | 'block-device';
  readonly content?: string | Buffer;
  readonly linkname?: string;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly mtime?: Date;
  /** Extended header records. */
  readonly pax?: Readonly<Record<string, string>>;
}

/** A layer: entries, or a whole tar made elsewhere. */
export type Layer =
  | readonly TarEntry[]
  | { readonly tar: Buffer; readonly packed?: Buffer; readonly annotations?: Readonly<Record<string, string>> };

export interface ImageSpec {
  /** `host:port` of a registry reached over plain HTTP. */
  readonly registry: string;
  readonly name: string;
  readonly tag?: string;
  readonly layers: readonly Layer[];
  readonly compression?: 'gzip' | 'zstd' | 'none';
  /** Image config, as in the OCI image spec: `Entrypoint`, `Cmd`, `Env`, `User`, `Labels`, ... */
  readonly config?: Readonly<Record<string, unknown>>;
  readonly platform?: { readonly architecture: string; readonly variant?: string };
  readonly headers?: Readonly<Record<string, string>>;
}

/** An image in a registry. */
export interface BuiltImage {
  /** `host/name@sha256:…` */
  readonly reference: string;
  /** `host/name:tag` */
  readonly tagReference: string;
  readonly digest: string;
  readonly size: number;
  readonly layerDigests: readonly string[];
}

const OCI = 'application/vnd.oci.image';

/** Builds an image and pushes it over HTTP. The same spec gives the same digests. */
export async function buildImage(spec: ImageSpec): Promise<BuiltImage> {
  const { registry, name, tag = 'latest', compression = 'gzip', headers = {} } = spec;
  const layers = await Promise.all(spec.layers.map((layer) => packLayer(layer, compression)));
  const config = Buffer.from(
    JSON.stringify({
      os: 'linux',
      ...hostOrGiven(spec.platform),
      rootfs: { type: 'layers', diff_ids: layers.map(({ tar }) => sha256(tar)) },
      config: spec.config ?? {},
    }),
  );
  for (const bytes of [config, ...layers.map(({ packed }) => packed)]) await pushBlob(registry, name, bytes, headers);
  const type = compression === 'none' ? 'tar' : `tar+${compression}`;
  const manifest = {
    schemaVersion: 2,
    mediaType: `${OCI}.manifest.v1+json`,
    config: describe(`${OCI}.config.v1+json`, config),
    layers: layers.map(({ packed, annotations }) => ({
      ...describe(`${OCI}.layer.v1.${type}`, packed),
      ...(annotations && { annotations }),
    })),
  };
  const pushed = await pushManifest(registry, name, tag, manifest, headers);
  return { ...pushed, layerDigests: layers.map(({ packed }) => sha256(packed)) };
}

/** Builds an image of Debian's static busybox with all its applets in /bin, and the entries given on top. */
export function buildBusyboxImage(
  spec: Omit<ImageSpec, 'layers'> & { readonly files?: readonly TarEntry[] },
): Promise<BuiltImage> {
  const applets = execFileSync('/bin/busybox', ['--list'], { encoding: 'utf8' }).trim().split('\n');
  const directories = ['bin', 'dev', 'etc', 'proc', 'root', 'sys', 'tmp'];
  const base: readonly TarEntry[] = [
    ...directories.map((name) => ({
      name: `${name}/`,
      type: 'directory' as const,
      mode: name === 'tmp' ? 0o1777 : 0o755,
    })),
    { name: 'bin/busybox', content: readFileSync('/bin/busybox'), mode: 0o755 },
    ...applets
      .filter((applet) => applet !== 'busybox')
      .map((applet) => ({ name: `bin/${applet}`, type: 'symlink' as const, linkname: 'busybox' })),
    { name: 'etc/passwd', content: 'root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/:/bin/sh\n' },
    { name: 'etc/group', content: 'root:x:0:\napp:x:1000:\n' },
  ];
  return buildImage({ ...spec, layers: spec.files ? [base, spec.files] : [base] });
}

/** Pushes an index over images that are in the same repository. */
export function buildIndex(spec: {
  readonly registry: string;
  readonly name: string;
  readonly tag: string;
  readonly images: readonly (BuiltImage & { readonly platform: Readonly<Record<string, string>> })[];
}): Promise<BuiltImage> {
  const manifests = spec.images.map(({ digest, size, platform }) => ({
    mediaType: `${OCI}.manifest.v1+json`,
    digest,
    size,
    platform: { os: 'linux', ...platform },
  }));
  const index = { schemaVersion: 2, mediaType: `${OCI}.index.v1+json`, manifests };
  return pushManifest(spec.registry, spec.name, spec.tag, index);
}

/** Pushes any manifest, well formed or not. */
export async function pushManifest(
  registry: string,
  name: string,
  tag: string,
  manifest: Readonly<Record<string, unknown>>,
  headers: Readonly<Record<string, string>> = {},
): Promise<BuiltImage> {
  const body = Buffer.from(JSON.stringify(manifest));
  await send(`http://${registry}/v2/${name}/manifests/${tag}`, 'PUT', body, {
    ...headers,
    'content-type': String(manifest.mediaType),
  });
  const digest = sha256(body);
  return {
    digest,
    reference: `${registry}/${name}@${digest}`,
    tagReference: `${registry}/${name}:${tag}`,
    size: body.length,
    layerDigests: [],
  };
}

/** Pushes a blob in one request. @returns its descriptor */
export async function pushBlob(
  registry: string,
  name: string,
  bytes: Buffer,
  headers: Readonly<Record<string, string>> = {},
): Promise<void> {
  const started = await send(`http://${registry}/v2/${name}/blobs/uploads/`, 'POST', Buffer.alloc(0), headers);
  const url = new URL(started.headers.get('location') ?? '', `http://${registry}`);
  url.searchParams.set('digest', sha256(bytes));
  await send(url.href, 'PUT', bytes, { ...headers, 'content-type': 'application/octet-stream' });
}

/** @returns a descriptor of some bytes. */
export function describe(
  mediaType: string,
  bytes: Buffer,
): { readonly mediaType: string; readonly digest: string; readonly size: number } {
  return { mediaType, digest: sha256(bytes), size: bytes.length };
}

/** Makes a tar of entries; modification times are fixed. */
export async function makeTar(entries: readonly TarEntry[]): Promise<Buffer> {
  const tar = pack();
  for (const { content = '', ...header } of entries) {
    const isFile = (header.type ?? 'file') === 'file';
    tar.entry({ mtime: new Date(1_700_000_000_000), ...header }, isFile ? content : '');
  }
  tar.finalize();
  return buffer(tar);
}

interface PackedLayer {
  readonly tar: Buffer;
  readonly packed: Buffer;
  readonly annotations?: Readonly<Record<string, string>>;
}

async function packLayer(layer: Layer, compression: 'gzip' | 'zstd' | 'none'): Promise<PackedLayer> {
  const tar = 'tar' in layer ? layer.tar : await makeTar(layer);
  const { packed, annotations } = 'tar' in layer ? layer : {};
  if (packed) return { tar, packed, ...(annotations && { annotations }) };
  const pack = { gzip: gzipSync, zstd: zstdCompressSync, none: (bytes: Buffer) => bytes };
  return { tar, packed: pack[compression](tar) };
}

async function send(
  url: string,
  method: string,
  body: Buffer,
  headers: Readonly<Record<string, string>>,
): Promise<Response> {
  const response = await fetch(url, { method, headers, body: new Uint8Array(body) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${url}: ${response.status} ${text}`);
  return response;
}

function hostOrGiven(platform: ImageSpec['platform']): Readonly<Record<string, string>> {
  const names: Readonly<Record<string, string>> = { x64: 'amd64' };
  return platform ?? { architecture: names[process.arch] ?? process.arch };
}

function sha256(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
