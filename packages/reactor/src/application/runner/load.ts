/** Finds the application in a module. */
import { extname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { adapt } from "../../components.js";
import { IProcess, IService } from "../service.js";
import { RunError } from "./errors.js";

export interface Loaded {
  readonly service: IService;
  /** Whom the application wants to be, if it says so. */
  readonly process: IProcess | null;
}

/** @throws RunError with a sentence for the user */
export async function loadApplication(path: string, args: readonly string[]): Promise<Loaded> {
  if (/^\.[cm]?ts$/.test(extname(path)) && !canLoadTypeScript()) {
    throw new RunError(
      `Node.js ${process.versions.node} cannot load TypeScript: compile ${path} and run the JavaScript, or use Node.js 22.18 or later`,
    );
  }
  let exported: Record<string, unknown>;
  try {
    exported = (await import(pathToFileURL(resolve(path)).href)) as Record<string, unknown>;
  } catch (cause) {
    throw new RunError(`cannot load ${path}: ${String(cause instanceof Error ? (cause.stack ?? cause) : cause)}`, {
      cause,
    });
  }
  const { makeService, application = makeService ?? exported["default"] } = exported;
  const made: unknown = isPlainFunction(application) ? await application(args) : application;
  const service = adapt(IService, made, null);
  if (service === null) {
    throw new RunError(`${path} exports no service: neither as "application" nor by "makeService" nor by default`);
  }
  return { service, process: adapt(IProcess, made, null) };
}

function canLoadTypeScript(): boolean {
  return Boolean((process.features as { typescript?: string | false }).typescript);
}

function isPlainFunction(value: unknown): value is (args: readonly string[]) => unknown {
  return typeof value === "function" && !IService.providedBy(value);
}
