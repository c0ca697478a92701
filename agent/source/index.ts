export { createGitSource } from './git-source.ts';
export type { GitAuth, GitLimits, GitSourceOptions } from './options.ts';
export { createPollSchedule, nextDelay, type PollSchedule, type PollScheduleOptions } from './schedule.ts';
export * from './source.ts';
