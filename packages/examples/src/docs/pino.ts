/** From docs/logging.md: what is logged goes to pino. */
import { globalLogBeginner } from "@strombus/reactor/logger";
import { pinoLogObserver } from "@strombus/reactor/logger/pino";
import { pino } from "pino";

globalLogBeginner.beginLoggingTo([pinoLogObserver(pino())]);
