import { benchContainerStart } from './container-start.ts';
import { benchMemory } from './memory.ts';
import { benchNoOp } from './no-op.ts';
import { benchPolicy } from './policy.ts';
import { type Measurement, renderTable } from './report.ts';

const BENCHES: readonly (() => Promise<readonly Measurement[]>)[] = [
  benchContainerStart,
  benchNoOp,
  benchPolicy,
  benchMemory,
];

const measurements: Measurement[] = [];
for (const bench of BENCHES) measurements.push(...(await bench()));
process.stdout.write(renderTable(measurements));
process.exit(0);
