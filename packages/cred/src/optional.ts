/** Packages that an application installs for itself, when it uses what needs them. */
import { createRequire } from "node:module";
import { NotImplementedError } from "@strombus/reactor/exceptions";

const require = createRequire(import.meta.url);

/**
 * Loads an optional package, at once, so that who lacks it hears of it where it is asked for.
 *
 * @param purpose what needs it, as the beginning of a sentence.
 * @throws NotImplementedError that says what to install; what the package itself throws is the cause.
 */
export function optional<T>(name: string, purpose: string): T {
  try {
    return require(name) as T;
  } catch (cause) {
    throw new NotImplementedError(`${purpose} needs the package ${name}: npm install ${name}`, { cause });
  }
}
