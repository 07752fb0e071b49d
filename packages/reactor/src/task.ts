/** Work that time drives: a clock for tests, delayed and repeated calls, cooperating iterators (twisted.internet.task). */
export { Clock } from "./task/clock.js";
export {
  CooperativeTask,
  Cooperator,
  type CooperatorOptions,
  NotPaused,
  SchedulerError,
  SchedulerStopped,
  TaskDone,
  TaskFailed,
  TaskFinished,
  TaskStopped,
  coiterate,
  cooperate,
} from "./task/cooperator.js";
export { deferLater } from "./task/later.js";
export { LoopingCall } from "./task/looping-call.js";
export { type ReactOptions, type ReactReactor, react } from "./task/react.js";
