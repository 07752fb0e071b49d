/** Text with attributes, and what a terminal is sent for it (twisted.conch.insults.text). */
import { AssertionError } from "@strombus/reactor/exceptions";
import { Logger } from "@strombus/reactor/logger";
import {
  BLACK,
  BLUE,
  CharacterAttribute,
  CYAN,
  type Formatting,
  GREEN,
  MAGENTA,
  RED,
  WHITE,
  YELLOW,
} from "./formatting.js";

const log = new Logger({ namespace: "strombus.conch.insults" });

/** What text is made of. */
export type FormattedText = string | FormattedNode | readonly FormattedText[];

type Flag = "bold" | "underline" | "blink" | "reverseVideo";

/** Children that share an attribute. Call it to add some: `attributes.bold("a", attributes.fg.red("b"))`. */
export interface FormattedNode {
  (...children: FormattedText[]): FormattedNode;
  /** The same children without the attribute. @throws TypeError for a colour, and for normal text */
  negate(): FormattedNode;
  readonly children: readonly FormattedText[];
  /** What it does to the attributes around it. @internal */
  readonly change: (state: CharacterAttribute) => CharacterAttribute;
}

function node(
  change: FormattedNode["change"],
  negated: (() => FormattedNode["change"]) | null,
  children: FormattedText[] = [],
): FormattedNode {
  const made: FormattedNode = Object.assign(
    (...more: FormattedText[]) => {
      more.forEach(check);
      children.push(...more);
      return made;
    },
    {
      children,
      change,
      negate(): FormattedNode {
        if (negated === null) throw new TypeError("only bold, underline, blink and reverseVideo can be negated");
        return node(negated(), null, children);
      },
    },
  );
  return made;
}

function check(child: unknown): void {
  if (Array.isArray(child)) child.forEach(check);
  else if (typeof child !== "string" && !isNode(child)) throw new AssertionError("text is made of strings and nodes");
}

function isNode(value: unknown): value is FormattedNode {
  return typeof value === "function" && "change" in value;
}

function flag(name: Flag): FormattedNode {
  const set = (value: boolean) => (state: CharacterAttribute) => state._withAttribute(name, value);
  return node(set(true), () => set(false));
}

function colors(ground: "foreground" | "background") {
  const color = (value: Formatting["foreground"]) => node((state) => state.with({ [ground]: value }), null);
  return Object.freeze({
    get black() {
      return color(BLACK);
    },
    get red() {
      return color(RED);
    },
    get green() {
      return color(GREEN);
    },
    get yellow() {
      return color(YELLOW);
    },
    get blue() {
      return color(BLUE);
    },
    get magenta() {
      return color(MAGENTA);
    },
    get cyan() {
      return color(CYAN);
    },
    get white() {
      return color(WHITE);
    },
  });
}

/**
 * Makes nodes of text: each attribute gives a new one.
 *
 * ```ts
 * assembleFormattedText(attributes.bold("Hello ", attributes.fg.red("world"), neg(attributes.bold("!"))));
 * ```
 */
export const attributes = Object.freeze({
  /** Without the attributes around it. */
  get normal() {
    return node(() => new CharacterAttribute(), null);
  },
  get bold() {
    return flag("bold");
  },
  get underline() {
    return flag("underline");
  },
  get blink() {
    return flag("blink");
  },
  get reverseVideo() {
    return flag("reverseVideo");
  },
  fg: colors("foreground"),
  bg: colors("background"),
});

/** The same text without the attribute. @throws TypeError for a colour, and for normal text */
export function neg(negated: FormattedNode): FormattedNode {
  return negated.negate();
}

export interface AssembleOptions {
  /** Ends with what switches all attributes off, so that what follows is plain. Default false. */
  reset?: boolean;
}

/** The text with control sequences; nothing within the strings is escaped. */
export function assembleFormattedText(text: FormattedText, { reset = false }: AssembleOptions = {}): string {
  return assembled(text, new CharacterAttribute()) + (reset ? "\x1b[0m" : "");
}

let isDeprecationTold = false;

/** @deprecated use assembleFormattedText */
export function flatten(text: FormattedText, state: CharacterAttribute): string {
  if (!isDeprecationTold) log.warn("flatten is deprecated: use assembleFormattedText");
  isDeprecationTold = true;
  return assembled(text, state);
}

function assembled(text: FormattedText, start: CharacterAttribute): string {
  check(text);
  let shown = new CharacterAttribute();
  let result = "";
  const walk = (each: FormattedText, state: CharacterAttribute): void => {
    if (typeof each === "string") {
      result += state.with({ _subtracting: drops(shown, state) }).toVT102() + each;
      shown = state;
    } else if (isNode(each)) {
      const changed = each.change(state);
      for (const child of each.children) walk(child, changed);
    } else {
      for (const child of each) walk(child, state);
    }
  };
  walk(text, start);
  return result;
}

/** Whether something shown is to be so no more, which only a reset can say. */
function drops(shown: CharacterAttribute, next: CharacterAttribute): boolean {
  return (
    (["bold", "underline", "blink", "reverseVideo"] as const).some((name) => shown[name] && !next[name]) ||
    (shown.foreground !== WHITE && next.foreground === WHITE) ||
    (shown.background !== BLACK && next.background === BLACK)
  );
}
