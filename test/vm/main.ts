import { runMachine } from './run-machine.ts';

// Ends by `exit`, so that the machine is switched off whatever ends this.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));

const { passed, failures } = await runMachine(process.argv.slice(2), (line) => process.stdout.write(`${line}\n`));
process.stdout.write(`\ntest:vm: ${passed} passed, ${failures.length} failed\n`);
for (const failure of failures) process.stdout.write(`\n✗ ${failure}\n`);
process.exit(failures.length === 0 && passed > 0 ? 0 : 1);
