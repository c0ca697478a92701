import { runDemo } from './run-demo.ts';

await runDemo((text) => process.stdout.write(text));
