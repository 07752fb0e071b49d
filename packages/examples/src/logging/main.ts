/** Logging: levels, namespaces, fields, and where it goes. node main.js */
import {
  FilteringLogObserver,
  globalLogBeginner,
  jsonFileLogObserver,
  Logger,
  LogLevel,
  LogLevelFilterPredicate,
  textFileLogObserver,
} from "@strombus/reactor/logger";

// Text to standard output, from a level on that can be set for each namespace; and everything as JSON to stderr.
const levels = new LogLevelFilterPredicate({ defaultLogLevel: LogLevel.info });
levels.setLogLevelForNamespace("door.hinge", LogLevel.debug);
globalLogBeginner.beginLoggingTo([
  new FilteringLogObserver(textFileLogObserver(process.stdout, { timeFormat: null }), [levels]),
  jsonFileLogObserver(process.stderr, { recordSeparator: "" }),
]);

const door = new Logger({ namespace: "door" });
const hinge = new Logger({ namespace: "door.hinge" });

door.info("{who} came in, {age:03d} years old", { who: "ann\n\x1b[31m", age: 7 });
door.debug("the door knows more than it tells");
hinge.debug("squeak");
door.failuresHandled("the door could not be locked", () => {
  throw new RangeError("no key");
});
console.log("what is printed is logged");
