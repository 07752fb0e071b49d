/** Whether JavaScript that does not compile is wrong, or only not there yet. */
import { constants, Script } from "node:vm";

/** V8's words for source that ends too early, whatever else is in it. */
const EARLY_END = "Unexpected end of input";

/** What may be open at the end: comments and strings that go on, and what V8 reports where it began. */
const OPEN_TEXT = ["", "*/", "'", '"'];
const OPEN_PLACE = ["", ",", "}", "finally {"];

/** @throws SyntaxError */
export function compile(source: string, filename: string): Script {
  return new Script(source, { filename, importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER });
}

/**
 * Something that can follow makes a difference only where the parser has got to the end: an error before it stays the
 * same whatever follows.
 */
export function isIncomplete(source: string): boolean {
  return OPEN_TEXT.some((text) => OPEN_PLACE.some((place) => canGoOn(source, `\n${text}${place}`)));
}

function canGoOn(source: string, rest: string): boolean {
  try {
    new Script(source + rest);
    return rest !== "\n";
  } catch (error) {
    return (error as Error).message === EARLY_END;
  }
}
