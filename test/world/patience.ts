/**
 * How long a test waits for what must happen soon. On a machine that is known to be slow, such as an emulated one,
 * HOLDFAST_SLOWNESS in the environment says how many times longer.
 * @param ms on an ordinary machine. @returns milliseconds
 */
export function patience(ms: number): number {
  return ms * Number(process.env.HOLDFAST_SLOWNESS ?? 1);
}
