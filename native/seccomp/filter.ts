import koffi from 'koffi';
import { BackendError } from '../errors.ts';
import { type NativeError, nativeErrorType, nativeLibrary, toBackendError } from '../library.ts';

/** `struct hf_seccomp` of the C library. */
export type FilterHandle = object;

/** Which part of a filter a rule goes into; see the seccomp section of native/include/holdfast.h. */
export const FILTER_PART = { decide: 0, refuse: 1 } as const;

export interface FilterRule {
  readonly part: (typeof FILTER_PART)[keyof typeof FILTER_PART];
  /** `SECCOMP_RET_*` with the errno in the low 16 bits. */
  readonly action: number;
  readonly syscall: string;
  /** `struct hf_seccomp_arg[]`. */
  readonly args: Uint8Array;
}

/** Size of `struct hf_seccomp_arg`. */
export const ARG_BYTES = 24;

/** The kernel takes BPF_MAXINSNS instructions of 8 bytes. */
const MAX_PROGRAM_BYTES = 4096 * 8;

/** Makes a filter, lets `fill` add to it, and gives its BPF program. The C side is freed whatever happens. */
export function buildFilter(defaultAction: number, fill: (filter: FilterHandle) => void): Buffer {
  const calls = nativeCalls();
  const made: [FilterHandle | null] = [null];
  checked('invalid-spec', (error) => calls.make(defaultAction, made, error));
  const [filter] = made;
  if (filter === null) throw new BackendError('internal', 'seccomp new', 'the library made no filter');
  try {
    fill(filter);
    const program = Buffer.alloc(MAX_PROGRAM_BYTES);
    const bytes = checked('invalid-spec', (error) => calls.export(filter, program, program.length, error));
    return Buffer.from(program.subarray(0, bytes));
  } finally {
    calls.free(filter);
  }
}

/** Adds an architecture by libseccomp's name; before any rule. */
export function addArchitecture(filter: FilterHandle, name: string): void {
  checked('invalid-spec', (error) => nativeCalls().architecture(filter, name, error));
}

/** Adds a rule. A system call libseccomp does not know is left out: the filter answers ENOSYS for it. */
export function addRule(filter: FilterHandle, rule: FilterRule): void {
  const { part, action, syscall, args } = rule;
  checked('invalid-spec', (error) =>
    nativeCalls().rule(filter, part, action, syscall, args, args.length / ARG_BYTES, error),
  );
}

type Outcome = number | bigint;
type Failure = [NativeError | null];

interface Calls {
  make(defaultAction: number, made: [FilterHandle | null], error: Failure): Outcome;
  free(filter: FilterHandle): void;
  architecture(filter: FilterHandle, name: string, error: Failure): Outcome;
  rule(
    filter: FilterHandle,
    part: number,
    action: number,
    syscall: string,
    args: Uint8Array,
    argCount: number,
    error: Failure,
  ): Outcome;
  export(filter: FilterHandle, program: Uint8Array, bytes: number, error: Failure): Outcome;
}

let loaded: Calls | undefined;

function nativeCalls(): Calls {
  loaded ??= bindCalls();
  return loaded;
}

function bindCalls(): Calls {
  const library = nativeLibrary();
  const filter = 'void *';
  const failure = koffi.out(koffi.pointer(nativeErrorType));
  return {
    make: library.func('hf_seccomp_new', 'int32_t', ['uint32_t', koffi.out(koffi.pointer('void *')), failure]),
    free: library.func('hf_seccomp_free', 'void', [filter]),
    architecture: library.func('hf_seccomp_architecture', 'int32_t', [filter, 'str', failure]),
    rule: library.func('hf_seccomp_rule', 'int32_t', [
      filter,
      'uint32_t',
      'uint32_t',
      'str',
      'const void *',
      'uint32_t',
      failure,
    ]),
    export: library.func('hf_seccomp_export', 'int64_t', [filter, 'void *', 'size_t', failure]),
  };
}

function checked(code: 'invalid-spec', call: (error: Failure) => Outcome): number {
  const error: Failure = [null];
  const outcome = Number(call(error));
  if (outcome >= 0) return outcome;
  const [failure] = error;
  throw toBackendError(failure ?? { errnum: -outcome, stage: 'seccomp', path: '' }, code);
}
