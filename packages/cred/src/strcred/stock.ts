/** The factories that every program has (twisted.plugins.cred_anonymous, cred_memory, cred_file). */
import { statSync } from "node:fs";
import { ValueError } from "@strombus/reactor/exceptions";
import { AllowAnonymousAccess, FilePasswordDB, InMemoryUsernamePasswordDatabaseDontUse } from "../checkers.js";
import { IAnonymous, IUsernameHashedPassword, IUsernamePassword } from "../credentials.js";
import { InvalidAuthArgumentString } from "./errors.js";
import type { ICheckerFactory } from "./factories.js";

export const invalidFileWarning = "Warning: not a valid file";

/** `--auth anonymous`. */
export const theAnonymousCheckerFactory: ICheckerFactory = {
  authType: "anonymous",
  authHelp: "Lets everybody in who asks to come in without a name.",
  argStringFormat: "No argstring required.",
  credentialInterfaces: [IAnonymous],
  generateChecker: () => new AllowAnonymousAccess(),
};

/** `--auth file:PATH`. */
export const theFileCheckerFactory = {
  authType: "file",
  authHelp: "Checks passwords against a file with lines of the form name:password.\n\nThe argument is its path.",
  argStringFormat: "Location of a FilePasswordDB-formatted file.",
  credentialInterfaces: [IUsernamePassword, IUsernameHashedPassword],
  /** Where a file that is none is complained of. */
  errorOutput: process.stderr as { write(text: string): unknown },
  generateChecker(argstring: string) {
    if (argstring.trim() === "") throw new ValueError("'file' requires a filename");
    if (statSync(argstring, { throwIfNoEntry: false })?.isFile() !== true) {
      theFileCheckerFactory.errorOutput.write(`${invalidFileWarning}: ${argstring}\n`);
    }
    return new FilePasswordDB(argstring);
  },
} satisfies ICheckerFactory & Record<string, unknown>;

/** `--auth memory:NAME:PASSWORD:...`. */
export const theInMemoryCheckerFactory: ICheckerFactory = {
  authType: "memory",
  authHelp: "Checks passwords that stand on the command line, where everybody can see them: for trials only.",
  argStringFormat: "A colon-separated list (name:password:...)",
  credentialInterfaces: [IUsernamePassword, IUsernameHashedPassword],
  generateChecker(argstring) {
    const checker = new InMemoryUsernamePasswordDatabaseDontUse();
    if (argstring === "") return checker;
    const words = argstring.split(":");
    if (words.length % 2 !== 0) throw new InvalidAuthArgumentString("argstring must be in format U:P:...");
    for (let at = 0; at < words.length; at += 2) checker.addUser(words[at]!, words[at + 1]!);
    return checker;
  },
};
