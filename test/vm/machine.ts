import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { Boot } from './boots.ts';
import { fairClockOf } from './fair-clock.ts';
import { type Message, parseMessage } from './messages.ts';

/** A virtual machine that is switched on. */
export interface Machine {
  /** What the guest tells, until the machine is off. */
  readonly messages: AsyncIterable<Message>;
  /** Takes the power away at once, as a power cut would; resolves when it is off. */
  cutPower(): Promise<void>;
  /** Whether it was switched off because it neither told nor wrote anything for too long. */
  hasStalled(): boolean;
  /** The last lines of its console. */
  consoleTail(): Promise<string>;
}

export interface MachineOptions {
  readonly kernel: string;
  readonly initrd: string;
  /** Raw images, `/dev/vda` and so on. The first holds the root file system. */
  readonly drives: readonly string[];
  /** Its phase goes to the guest on the kernel's command line. */
  readonly boot: Boot;
  /** The console's output goes to this file. */
  readonly consoleFile: string;
}

const CONSOLE_TAIL_LINES = 40;
/** Longer than the longest test takes; of time in which the machine could run. */
const STALLED_MS = 600_000;
const LOOK_MS = 1_000;
/**
 * Emulated, copying is faster without the instructions that are made for it, and each change of a protection key, of
 * which Node's compiler makes many, empties the address cache.
 */
const PROCESSOR = 'max,-erms,-fsrm,-pku,-pks';

/**
 * Switches on a machine with two processors emulated by QEMU (no KVM needed) and no network, at low priority. It goes
 * off when it stalls, and when this process ends, however it ends.
 */
export function startMachine(options: MachineOptions): Machine {
  const program = ['--pdeathsig', 'KILL', 'nice', '-n', '10', 'qemu-system-x86_64', ...machineArguments(options)];
  const child = spawn('setpriv', program, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  const kill = (): boolean => child.kill('SIGKILL');
  let hasStalled = false;
  const stopWatching = watchForStall(child, options.consoleFile, () => {
    hasStalled = true;
    kill();
  });
  process.once('exit', kill);
  child.once('close', () => {
    stopWatching();
    process.off('exit', kill);
  });
  return {
    messages: readMessages(child),
    cutPower: async () => {
      kill();
      await ended;
    },
    hasStalled: () => hasStalled,
    consoleTail: async () => {
      const text = await readFile(options.consoleFile, 'utf8').catch(() => '');
      return text.split('\n').slice(-CONSOLE_TAIL_LINES).join('\n');
    },
  };
}

/** The disks need not outlive the node: what a guest has written is there for its next boot without being synced. */
function machineArguments({ kernel, initrd, drives, boot, consoleFile }: MachineOptions): readonly string[] {
  const root = 'root=/dev/vda rw console=ttyS0 quiet panic=-1';
  const commandLine = `${root} systemd.show_status=0 systemd.journald.forward_to_console=1 holdfast.phase=${boot.phase}`;
  return [
    ...['-accel', 'tcg,thread=multi', '-smp', '2', '-cpu', PROCESSOR, '-m', '2048', '-no-reboot', '-nic', 'none'],
    ...['-display', 'none', '-monitor', 'none', '-serial', `file:${consoleFile}`, '-serial', 'stdio'],
    ...['-device', 'virtio-rng-pci', '-kernel', kernel, '-initrd', initrd, '-append', commandLine],
    ...drives.flatMap((file) => ['-drive', `file=${file},if=virtio,format=raw,cache=unsafe,discard=unmap`]),
  ];
}

/** Looks for signs of life: words of the guest, and a console that grows. @returns what ends it */
function watchForStall(child: ChildProcess, consoleFile: string, onStall: () => void): () => void {
  const clock = fairClockOf(child.pid ?? 0);
  let aliveAt = 0;
  let size = 0;
  child.stdout?.on('data', () => {
    aliveAt = clock.now();
  });
  const timer = setInterval(() => {
    const now = clock.now();
    const length = statSync(consoleFile, { throwIfNoEntry: false })?.size ?? 0;
    if (length !== size) [size, aliveAt] = [length, now];
    if (now - aliveAt > STALLED_MS) onStall();
  }, LOOK_MS);
  return () => clearInterval(timer);
}

async function* readMessages(child: ChildProcess): AsyncIterable<Message> {
  if (child.stdout === null) return;
  for await (const line of createInterface({ input: child.stdout })) {
    const message = parseMessage(line);
    if (message !== null) yield message;
  }
}
