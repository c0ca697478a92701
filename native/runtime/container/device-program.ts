import type { DeviceRule } from '../config/resources-schema.ts';
import { settleDeviceRules } from './device-rules.ts';

/** linux/bpf.h; a register is a number. */
const [RESULT, CONTEXT, TYPE, ACCESS, MAJOR, MINOR] = [0, 1, 2, 3, 4, 5];
const OPERATIONS = {
  load32: 0x61,
  move: 0xb7,
  moveRegister: 0xbf,
  shiftRight: 0x74,
  and: 0x54,
  jump: 0x05,
  jumpUnless: 0x55,
  jumpIfAny: 0x45,
  exit: 0x95,
} as const;
/** BPF_DEVCG_ACC_* and BPF_DEVCG_DEV_*. */
const ACCESSES = { m: 1, r: 2, w: 4 } as const;
const TYPES = { b: 1, c: 2 } as const;
const TYPE_MASK = 0xffff;
const INSTRUCTION_BYTES = 8;

interface Instruction {
  readonly operation: keyof typeof OPERATIONS;
  readonly to?: number;
  readonly from?: number;
  readonly offset?: number;
  readonly value?: number;
}

/**
 * @returns a program for `BPF_PROG_TYPE_CGROUP_DEVICE` that decides as v1's controller does with the same rules. Each way
 * of access is decided by the last rule that speaks of it; what none speaks of is allowed unless all was denied before.
 */
export function deviceProgram(rules: readonly DeviceRule[]): Uint8Array {
  const settled = settleDeviceRules(rules);
  const last = settled.findLastIndex(({ type }) => type === 'a');
  const isAllowed = last < 0 || settled[last]?.allow === true;
  const decided = settled.slice(last + 1).reverse();
  return assemble([
    // The type is in the lower half of the first field, the access in the upper; then the numbers.
    { operation: 'load32', to: TYPE, from: CONTEXT, offset: 0 },
    { operation: 'moveRegister', to: ACCESS, from: TYPE },
    { operation: 'and', to: TYPE, value: TYPE_MASK },
    { operation: 'shiftRight', to: ACCESS, value: 16 },
    { operation: 'load32', to: MAJOR, from: CONTEXT, offset: 4 },
    { operation: 'load32', to: MINOR, from: CONTEXT, offset: 8 },
    ...decided.flatMap(instructionsOf),
    ...answer(isAllowed),
  ]);
}

/** Allowed access is taken off what is asked for, until nothing of it is left. */
function instructionsOf({ allow, type, major = -1, minor = -1, access }: DeviceRule): readonly Instruction[] {
  const bits = [...access].reduce((all, letter) => all | ACCESSES[letter as keyof typeof ACCESSES], 0);
  const verdict: readonly Instruction[] = allow
    ? [
        { operation: 'and', to: ACCESS, value: ~bits },
        { operation: 'jumpUnless', to: ACCESS, value: 0, offset: 2 },
        ...answer(true),
      ]
    : [
        { operation: 'jumpIfAny', to: ACCESS, value: bits, offset: 1 },
        { operation: 'jump', offset: 2 },
        ...answer(false),
      ];
  const matches: (readonly [register: number, value: number])[] = [];
  if (type !== 'a') matches.push([TYPE, TYPES[type === 'b' ? 'b' : 'c']]);
  if (major >= 0) matches.push([MAJOR, major]);
  if (minor >= 0) matches.push([MINOR, minor]);
  const tests = matches.map(([to, value], index): Instruction => {
    return { operation: 'jumpUnless', to, value, offset: matches.length - index - 1 + verdict.length };
  });
  return [...tests, ...verdict];
}

function answer(isAllowed: boolean): readonly Instruction[] {
  return [{ operation: 'move', to: RESULT, value: Number(isAllowed) }, { operation: 'exit' }];
}

function assemble(instructions: readonly Instruction[]): Uint8Array {
  const bytes = Buffer.alloc(instructions.length * INSTRUCTION_BYTES);
  for (const [index, { operation, to = 0, from = 0, offset = 0, value = 0 }] of instructions.entries()) {
    const at = index * INSTRUCTION_BYTES;
    bytes.writeUInt8(OPERATIONS[operation], at);
    bytes.writeUInt8(to | (from << 4), at + 1);
    bytes.writeInt16LE(offset, at + 2);
    bytes.writeInt32LE(value, at + 4);
  }
  return bytes;
}
