/** What a layer may cost. A layer past one of these is refused. */
export interface UnpackLimits {
  readonly entries: number;
  /** All of the unpacked tar. */
  readonly bytes: number;
  /** Unpacked bytes for each packed one, once `ratioFromBytes` are unpacked. */
  readonly ratio: number;
  readonly ratioFromBytes: number;
  /** Bytes of one name between slashes; the kernel's NAME_MAX. */
  readonly nameBytes: number;
  /** Bytes of a path in the layer; less than PATH_MAX, for the layer's own path comes before it. */
  readonly pathBytes: number;
}

export const UNPACK_LIMITS: UnpackLimits = {
  entries: 1_000_000,
  bytes: 16 * 1024 ** 3,
  ratio: 1000,
  ratioFromBytes: 64 * 1024 ** 2,
  nameBytes: 255,
  pathBytes: 3072,
};
