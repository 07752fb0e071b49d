/** What selectGraphicRendition does to a screen's attributes. */
import { Logger } from "@strombus/reactor/logger";
import { BLACK, type Formatting, N_COLORS, WHITE } from "./formatting.js";

const log = new Logger({ namespace: "strombus.conch.insults" });

export type Rendition = Omit<Formatting, "charset" | "_subtracting">;

export const PLAIN: Rendition = Object.freeze({
  bold: false,
  underline: false,
  blink: false,
  reverseVideo: false,
  foreground: WHITE,
  background: BLACK,
});

const SIMPLE: ReadonlyMap<number, Partial<Rendition>> = new Map<number, Partial<Rendition>>([
  [0, PLAIN],
  [1, { bold: true }],
  [4, { underline: true }],
  [5, { blink: true }],
  [7, { reverseVideo: true }],
  [22, { bold: false }],
  [24, { underline: false }],
  [25, { blink: false }],
  [27, { reverseVideo: false }],
  [39, { foreground: WHITE }],
  [49, { background: BLACK }],
]);

/** Where eight colours begin, dark and bright ones. */
const COLORS: readonly (readonly [first: number, ground: "foreground" | "background"])[] = [
  [30, "foreground"],
  [40, "background"],
  [90, "foreground"],
  [100, "background"],
];

/** A colour out of a palette takes two more numbers, one by its parts four. They are passed over. */
const LONG_COLORS: ReadonlySet<number> = new Set([38, 48]);
const LENGTHS: ReadonlyMap<number, number> = new Map([
  [5, 2],
  [2, 4],
]);

/** The attributes after these; no attribute is NORMAL. Numbers may be text. */
export function changed(rendition: Rendition, attributes: readonly (number | string)[]): Rendition {
  let result = rendition;
  const numbers = attributes.length === 0 ? [0] : attributes.map((each) => (each === "" ? 0 : Number(each)));
  for (let i = 0; i < numbers.length; i++) {
    const number = numbers[i]!;
    if (LONG_COLORS.has(number)) {
      i += LENGTHS.get(numbers[i + 1] ?? NaN) ?? 0;
      continue;
    }
    const change = SIMPLE.get(number) ?? colorOf(number);
    if (change === null) log.debug("unknown attribute {attribute}", { attribute: attributes[i] });
    else result = { ...result, ...change };
  }
  return result;
}

function colorOf(number: number): Partial<Rendition> | null {
  const [first, ground] = COLORS.find(([first]) => number >= first && number < first + N_COLORS) ?? [];
  return ground === undefined || !Number.isInteger(number) ? null : { [ground]: number - first! };
}
