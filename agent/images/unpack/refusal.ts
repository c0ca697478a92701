import { ImageError } from '../image-source.ts';

/** Which layer of which image is being unpacked, for messages. */
export interface LayerName {
  readonly reference: string;
  /** Digest of the packed layer. */
  readonly digest: string;
}

/** Why a layer is refused whose compressed stream ends before the layer does. */
export const TRAILING_DATA = 'it has data after the end of the compressed stream';

/** @returns the error for a layer that is not unpacked, naming the layer and, where one is at fault, the entry. */
export function refuse(layer: LayerName, entry: string | null, reason: string, cause?: unknown): ImageError {
  const where = entry === null ? '' : ` entry ${JSON.stringify(entry.slice(0, 200))}`;
  return new ImageError('bad-layer', layer.reference, `${layer.reference}: layer ${layer.digest}${where}: ${reason}`, {
    cause,
  });
}

/** The kernel's refusals to leave the layer, and the errors of the gzip and tar readers, are the layer's fault. */
export function unpackFailure(error: unknown, layer: LayerName, entry: string | null): ImageError {
  if (error instanceof ImageError) return error;
  const { code = '', errno, message } = error as Error & { readonly code?: string; readonly errno?: unknown };
  const name = typeof errno === 'string' ? errno : code;
  if (['ENOSPC', 'EDQUOT'].includes(name)) {
    const text = `${layer.reference}: no space is left for layer ${layer.digest}`;
    return new ImageError('no-space', layer.reference, text, { cause: error });
  }
  if (['ELOOP', 'EXDEV', 'ENOTDIR', 'ENAMETOOLONG', 'EMLINK', 'EINVAL'].includes(name))
    return refuse(layer, entry, message, error);
  if (code === 'ERR_STREAM_PREMATURE_CLOSE') return refuse(layer, entry, TRAILING_DATA, error);
  if (code.startsWith('Z_') || code.startsWith('ZSTD_'))
    return refuse(layer, entry, `it cannot be decompressed: ${message}`, error);
  if (/tar header|Unexpected end of data|Invalid header|Header exceeds/.test(message)) {
    return refuse(layer, entry, `it is not a whole tar: ${message}`, error);
  }
  const text = `${layer.reference}: layer ${layer.digest} could not be stored: ${message}`;
  return new ImageError('store', layer.reference, text, { cause: error });
}
