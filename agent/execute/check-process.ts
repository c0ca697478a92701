import type { Container } from '../../manifests/index.ts';
import type { OciProcess } from '../../native/index.ts';
import { StepError } from './step-error.ts';

/**
 * Refuses what no program can be started with. The message names no value: the environment may hold secrets.
 * @throws StepError `no-command` or `nul-character`
 */
export function checkProcess({ name, image }: Pick<Container, 'name' | 'image'>, process: OciProcess): void {
  if (process.args.length === 0) {
    throw new StepError('no-command', `container ${name}: neither the manifest nor image ${image} names a command`);
  }
  const parts = { command: process.args, environment: process.env, 'working directory': [process.cwd] };
  for (const [part, texts] of Object.entries(parts)) {
    if (!texts.some((text) => text.includes('\0'))) continue;
    throw new StepError(
      'nul-character',
      `container ${name}: its ${part} contains a NUL character; correct the manifest or image ${image}`,
    );
  }
}
