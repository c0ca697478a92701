import { withCodedErrors } from '../coded-errors.ts';
import { createContainer } from './commands/create.ts';
import { deleteContainer } from './commands/delete.ts';
import { watchEvents } from './commands/events.ts';
import { execInContainer } from './commands/exec.ts';
import { inspectContainer, listContainers, processesOf } from './commands/inspect.ts';
import { killContainer } from './commands/kill.ts';
import { pauseContainer, resumeContainer } from './commands/pause.ts';
import { runContainer } from './commands/run.ts';
import { writeSpec } from './commands/spec.ts';
import { startContainer } from './commands/start.ts';
import { updateContainer } from './commands/update.ts';

/** What an engine can ask of the runtime. Every failure is a BackendError that names its stage. */
export const commands = withCodedErrors({
  create: createContainer,
  start: startContainer,
  run: runContainer,
  exec: execInContainer,
  kill: killContainer,
  delete: deleteContainer,
  pause: pauseContainer,
  resume: resumeContainer,
  update: updateContainer,
  events: watchEvents,
  spec: writeSpec,
  inspect: inspectContainer,
  list: listContainers,
  processesOf,
});
