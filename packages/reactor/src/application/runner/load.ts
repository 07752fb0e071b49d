/** Finds the application in a module. */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { extname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { adapt } from "../../components.js";
import { Options, UsageError } from "../../usage.js";
import { IProcess, IService } from "../service.js";
import { RunError } from "./errors.js";

/** The name of a package's module, rather than the path of a file. */
const PACKAGE = /^@[\w.-]+\/[\w./-]+$/;

export interface Loaded {
  readonly service: IService;
  /** Whom the application wants to be, if it says so. */
  readonly process: IProcess | null;
}

/**
 * @param path of a file, or the name of a package's module
 * @throws RunError with a sentence for the user, SystemExit when the application has told what it had to tell
 */
export async function loadApplication(path: string, args: readonly string[]): Promise<Loaded> {
  if (/^\.[cm]?ts$/.test(extname(path)) && !canLoadTypeScript()) {
    throw new RunError(
      `Node.js ${process.versions.node} cannot load TypeScript: compile ${path} and run the JavaScript, or use Node.js 22.18 or later`,
    );
  }
  const place = placeOf(path);
  if (!existsSync(place)) throw new RunError(`cannot load ${path}: there is no file ${place}${ofPackage(path)}`);
  let exported: Record<string, unknown>;
  try {
    exported = (await import(pathToFileURL(place).href)) as Record<string, unknown>;
  } catch (cause) {
    throw new RunError(`cannot load ${path}: ${String(cause instanceof Error ? (cause.stack ?? cause) : cause)}`, {
      cause,
    });
  }
  const { makeService, application = makeService ?? exported["default"] } = exported;
  const config = isClassOfOptions(exported["Options"]) ? parsed(new exported["Options"](), path, args) : args;
  const made: unknown = isPlainFunction(application) ? await application(config) : application;
  const service = adapt(IService, made, null);
  if (service === null) {
    throw new RunError(`${path} exports no service: neither as "application" nor by "makeService" nor by default`);
  }
  return { service, process: adapt(IProcess, made, null) };
}

function canLoadTypeScript(): boolean {
  return Boolean((process.features as { typescript?: string | false }).typescript);
}

/** What to say besides of a name that may be a package's. */
function ofPackage(path: string): string {
  return PACKAGE.test(path) ? ", nor a package that exports it in the node_modules of this folder" : "";
}

/** A package's module goes by its name, as `@strombus/conch/tap`; all else is the path of a file. */
function placeOf(path: string): string {
  if (!PACKAGE.test(path)) return resolve(path);
  try {
    return createRequire(join(process.cwd(), "_")).resolve(path);
  } catch {
    return resolve(path);
  }
}

/** A module that exports `Options`, as Twisted's plugins do, has its `makeService` called with them. */
function isClassOfOptions(value: unknown): value is new () => Options {
  return typeof value === "function" && value.prototype instanceof Options;
}

function parsed(options: Options, path: string, args: readonly string[]): Options {
  options.synopsis ??= `Usage: strombus run [options of strombus] ${path} [options]`;
  try {
    options.parseOptions(args);
    return options;
  } catch (error) {
    if (error instanceof UsageError)
      throw new RunError(`${error.message}: see strombus run ${path} --help`, { cause: error });
    throw error;
  }
}

function isPlainFunction(value: unknown): value is (config: unknown) => unknown {
  return typeof value === "function" && !IService.providedBy(value);
}
