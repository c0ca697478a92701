import { once } from 'node:events';
import { runDemo } from './run-demo.ts';

// Whoever stops reading, or presses Ctrl-C, still gets everything cleaned up.
process.stdout.on('error', () => undefined);
const interrupted = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]).then(() => {
  throw new Error('interrupted');
});

try {
  await runDemo((text) => void process.stdout.write(text), interrupted);
  process.exit(0);
} catch (error) {
  process.stderr.write(`\nThe demo failed: ${(error as Error).message}\n`);
  process.exit(1);
}
