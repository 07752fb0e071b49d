/** Logging as Twisted's older programs do. node legacy.js */
import * as log from "@strombus/reactor/log";

log.msg("before anybody listens");
log.startLogging(process.stdout);

const inFailures: string[] = [];
log.addObserver(({ isError, why }) => {
  if (isError) inFailures.push(why!);
});
log.msg("somebody came in:", "ann\n\x1b[31m", 7);
try {
  throw new RangeError("no key");
} catch (error) {
  log.err(error, "the door could not be locked");
}
console.log("what is printed is logged;", inFailures.length, "error");
