/** The names of keys: what a terminal sends for them is `ServerProtocol`'s to know. */
import { Protocol } from "@strombus/reactor/protocol";

const NAMES = [
  "UP_ARROW",
  "DOWN_ARROW",
  "RIGHT_ARROW",
  "LEFT_ARROW",
  "HOME",
  "INSERT",
  "DELETE",
  "END",
  "PGUP",
  "PGDN",
  "NUMPAD_MIDDLE",
  "F1",
  "F2",
  "F3",
  "F4",
  "F5",
  "F6",
  "F7",
  "F8",
  "F9",
  "F10",
  "F11",
  "F12",
  "ALT",
  "SHIFT",
  "CONTROL",
] as const;

export type KeyName = (typeof NAMES)[number];

/** A key by its name: `UP_ARROW` is `"[UP_ARROW]"`; TAB and BACKSPACE are the characters that they send. */
export type KeyNames = { readonly [N in KeyName]: `[${N}]` } & { readonly TAB: "\t"; readonly BACKSPACE: "\x7f" };

export const KEYS = Object.freeze({
  TAB: "\t",
  BACKSPACE: "\x7f",
  ...Object.fromEntries(NAMES.map((name) => [name, `[${name}]`])),
}) as KeyNames;

/** All names of keys, in brackets. */
export const FUNCTION_KEYS: readonly string[] = NAMES.map((name) => `[${name}]`);

class Keyed extends Protocol {}
Object.assign(Keyed.prototype, KEYS);

/** A protocol with the names of keys, on the class and on each instance. */
export const KeyedProtocol: (new () => Protocol & KeyNames) & KeyNames = Object.assign(
  Keyed as new () => Protocol & KeyNames,
  KEYS,
);
