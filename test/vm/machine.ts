import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { Boot } from './boots.ts';
import { type Message, parseMessage } from './messages.ts';

/** A virtual machine that is switched on. */
export interface Machine {
  /** What the guest tells, until the machine is off. */
  readonly messages: AsyncIterable<Message>;
  /** Takes the power away at once, as a power cut would; resolves when it is off. */
  cutPower(): Promise<void>;
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

/**
 * Switches on a machine with two processors emulated by QEMU (no KVM needed) and no network, at low priority. It goes
 * off when the boot's time is over, and when this process ends, however it ends.
 */
export function startMachine(options: MachineOptions): Machine {
  const program = ['--pdeathsig', 'KILL', 'nice', '-n', '10', 'qemu-system-x86_64', ...machineArguments(options)];
  const child = spawn('setpriv', program, {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'close');
  const kill = (): boolean => child.kill('SIGKILL');
  const timer = setTimeout(kill, options.boot.timeoutMs);
  process.once('exit', kill);
  child.once('close', () => {
    clearTimeout(timer);
    process.off('exit', kill);
  });
  return {
    messages: readMessages(child),
    cutPower: async () => {
      kill();
      await ended;
    },
    consoleTail: async () => {
      const text = await readFile(options.consoleFile, 'utf8').catch(() => '');
      return text.split('\n').slice(-CONSOLE_TAIL_LINES).join('\n');
    },
  };
}

function machineArguments({ kernel, initrd, drives, boot, consoleFile }: MachineOptions): readonly string[] {
  const commandLine = `root=/dev/vda rw console=ttyS0 quiet systemd.show_status=0 systemd.journald.forward_to_console=1 panic=-1 holdfast.phase=${boot.phase}`;
  return [
    ...['-accel', 'tcg,thread=multi', '-smp', '2', '-cpu', 'max', '-m', '2048', '-no-reboot', '-nic', 'none'],
    ...['-display', 'none', '-monitor', 'none', '-serial', `file:${consoleFile}`, '-serial', 'stdio'],
    ...['-device', 'virtio-rng-pci', '-kernel', kernel, '-initrd', initrd, '-append', commandLine],
    ...drives.flatMap((file) => ['-drive', `file=${file},if=virtio,format=raw,discard=unmap`]),
  ];
}

async function* readMessages(child: ChildProcess): AsyncIterable<Message> {
  if (child.stdout === null) return;
  for await (const line of createInterface({ input: child.stdout })) {
    const message = parseMessage(line);
    if (message !== null) yield message;
  }
}
