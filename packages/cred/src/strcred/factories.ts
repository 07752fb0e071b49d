/** Checkers by a word of the command line, and where what makes them comes from. */
import { existsSync, readdirSync, realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { type InterfaceToken, interfaceToken, providedBy } from "@strombus/reactor/components";
import { Logger } from "@strombus/reactor/logger";
import type { ICredentialsChecker } from "../checkers.js";

const log = new Logger({ namespace: "@strombus/cred/strcred" });

/** Makes the checkers of one kind. */
export interface ICheckerFactory {
  /** The word before the colon. */
  readonly authType: string;
  /** What it is; may have several lines. */
  readonly authHelp: string;
  /** What stands behind the colon, in one line. */
  readonly argStringFormat: string;
  /** What its checkers can check. */
  readonly credentialInterfaces: readonly InterfaceToken[];
  generateChecker(argstring: string): ICredentialsChecker;
}
export const ICheckerFactory: InterfaceToken<ICheckerFactory> = interfaceToken<ICheckerFactory>(
  "ICheckerFactory",
  [],
  ["authType", "authHelp", "argStringFormat", "credentialInterfaces", "generateChecker"],
);

const PACKAGE = /^strombus-auth-[a-z0-9._-]+$/;
/** A package of ours that may be there, with factories of its own. */
const CONCH = "@strombus/conch/plugins";

const registered: ICheckerFactory[] = [];
let searched: readonly ICheckerFactory[] | null = null;

/** Adds a factory; of one `authType` the first counts. */
export function registerCheckerFactory(factory: ICheckerFactory): void {
  registered.push(factory);
}

/**
 * Every factory: those that were registered, those of `@strombus/conch` where it is installed, and those of all packages
 * named `strombus-auth-...` in the `node_modules` of the program that runs. Such a package exports one or more factories.
 */
export function findCheckerFactories(): readonly ICheckerFactory[] {
  searched ??= search();
  const all = [...registered, ...searched];
  return all.filter(({ authType }, at) => all.findIndex((each) => each.authType === authType) === at);
}

function search(): readonly ICheckerFactory[] {
  const program = programFolder();
  const packages = pluginPackages(program);
  return [
    ...factoriesOf(CONCH, import.meta.url),
    ...packages.flatMap((name) => factoriesOf(name, join(program, "program.js"))),
  ];
}

/** Where the program that runs lies: never the working directory, in which anybody may have put a package. */
function programFolder(): string {
  try {
    return dirname(realpathSync(process.argv[1] ?? ""));
  } catch {
    return dirname(process.execPath);
  }
}

function pluginPackages(from: string): string[] {
  const names = new Set<string>();
  for (let folder = from, above = ""; folder !== above; folder = dirname(folder)) {
    above = dirname(folder) === folder ? folder : "";
    const modules = join(folder, "node_modules");
    if (existsSync(modules)) for (const name of readdirSync(modules)) if (PACKAGE.test(name)) names.add(name);
  }
  return [...names].sort();
}

/** One that is broken is no reason to do without the others. */
function factoriesOf(name: string, from: string): ICheckerFactory[] {
  try {
    const exported = createRequire(from)(name) as Record<string, unknown>;
    return Object.values(exported).filter((each): each is ICheckerFactory => providedBy(ICheckerFactory, each));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const isMissing = name === CONCH && (code === "MODULE_NOT_FOUND" || code === "ERR_PACKAGE_PATH_NOT_EXPORTED");
    if (!isMissing) log.error("cannot load checkers of {name}: {message}", { name, message });
    return [];
  }
}
