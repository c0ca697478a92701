import * as z from 'zod';
import { strictFields } from '../schema/known-fields.ts';
import { UNSUPPORTED } from './kubernetes-fields.ts';
import { signalName } from './signal-name.ts';

const LONGEST_SLEEP_SECONDS = 24 * 60 * 60;

const exec = strictFields({ command: z.array(z.string()).min(1) }, []);

const postStart = strictFields({ exec }, UNSUPPORTED.postStart);

const preStop = strictFields(
  {
    exec: exec.optional(),
    sleep: strictFields({ seconds: z.int().min(0).max(LONGEST_SLEEP_SECONDS) }, []).optional(),
  },
  UNSUPPORTED.preStop,
).superRefine(({ exec: command, sleep }, context) => {
  if ((command === undefined) !== (sleep === undefined)) return;
  context.addIssue({ code: 'custom', message: 'must have exactly one of `exec` and `sleep`' });
});

/** Lifecycle hooks and the stop signal of a container, as written. */
export const lifecycle = strictFields(
  { postStart: postStart.optional(), preStop: preStop.optional(), stopSignal: signalName.optional() },
  [],
);
