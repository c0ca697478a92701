import type { ImageDetails, LayerFinding, PullProgress, StoredImage } from '../images/index.ts';
import { age, plain, showBytes, table } from './print.ts';
import { showVouchers } from './show-vouchers.ts';

/** @returns one line for each image, its references together. */
export function showImages(images: readonly StoredImage[], now: number): string {
  const rows = images.map(({ digest, references, size, isPresent, isPinned, resolvedAt }) => [
    digest.slice('sha256:'.length, 'sha256:'.length + 12),
    showBytes(size),
    isPresent ? 'complete' : 'incomplete',
    isPinned ? 'yes' : '-',
    resolvedAt === 0 ? '-' : age(resolvedAt, now),
    references.join(', '),
  ]);
  return table(['DIGEST', 'SIZE', 'STATE', 'PINNED', 'AGE', 'REFERENCES'], rows);
}

/** @returns all that is known of one image. */
export function showImage(image: ImageDetails): string {
  const lines = [
    ['digest', image.digest],
    ['named', image.topDigest],
    ['references', image.references.join(', ')],
    ['platform', image.platform],
    ['user', image.user === '' ? 'root' : image.user],
    ['signed by', image.signedBy.join(', ') || 'nobody known'],
    ['size', `${showBytes(image.size)} compressed`],
    ['state', image.isPresent ? 'complete' : 'incomplete'],
    ['kept', [...(image.isInUse ? ['in use'] : []), ...(image.isPinned ? ['pinned'] : [])].join(', ') || 'no'],
    ['made', image.facts.created ?? 'unknown'],
    ['base', image.facts.base.name ?? image.facts.base.digest ?? 'unknown'],
    ['resolved', image.resolvedAt === 0 ? 'unknown' : new Date(image.resolvedAt).toISOString()],
  ];
  const layers = image.layers.map(({ digest, diffId, size, isPresent }) => [
    digest,
    diffId,
    showBytes(size),
    isPresent ? 'complete' : 'missing',
  ]);
  const head = lines.map(([name = '', value = '']) => `${name.padEnd(11)} ${plain(value)}\n`).join('');
  return `${head}\n${table(['LAYER', 'UNPACKED', 'SIZE', 'STATE'], layers)}${showVouchers(image.facts)}`;
}

/** @returns one line for each layer that is not whole, and how many are. */
export function showFindings(findings: readonly LayerFinding[]): string {
  const whole = findings.filter(({ verdict }) => verdict.state === 'whole').length;
  const lines = findings.flatMap(({ diffId, images, verdict, isRepaired, failure }) => {
    if (verdict.state === 'whole') return [];
    const what = verdict.state === 'damaged' ? `${verdict.damage.path}: ${verdict.damage.what}` : verdict.reason;
    const outcome = isRepaired ? '; pulled again' : failure === null ? '' : `; could not be pulled again: ${failure}`;
    return [plain(`${verdict.state.toUpperCase()}  ${diffId} of ${images.join(', ')}: ${what}${outcome}`)];
  });
  return [...lines, `${whole} of ${findings.length} layers are whole`].map((line) => `${line}\n`).join('');
}

/** @returns one line for each pull under way; nothing when there is none. */
export function showPulls(pulls: readonly PullProgress[]): string {
  if (pulls.length === 0) return '';
  return `\n${table(['PULLING', 'DONE', 'OF', 'RATE', 'LEFT'], pulls.map(pullRow))}`;
}

/** @returns how far one pull is, on one line. */
export function showPull(pull: PullProgress): string {
  const [reference, done, total, rate, left] = pullRow(pull);
  return plain(`${reference}: ${done} of ${total}, ${rate}, ${left} left`);
}

function pullRow({ reference, doneBytes, totalBytes, bytesPerSecond, secondsLeft }: PullProgress): readonly string[] {
  return [
    reference,
    showBytes(doneBytes),
    showBytes(totalBytes),
    `${showBytes(bytesPerSecond)}/s`,
    secondsLeft === null ? 'unknown' : age(0, secondsLeft * 1_000),
  ];
}
