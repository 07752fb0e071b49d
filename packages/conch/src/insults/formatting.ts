/** Attributes of characters: what a cell of a screen has, and what formatted text goes through. */
import { Logger } from "@strombus/reactor/logger";
import { G0, type Slot } from "./numbers.js";

const log = new Logger({ namespace: "strombus.conch.insults" });

export const FOREGROUND = 30;
export const BACKGROUND = 40;
export const BLACK = 0;
export const RED = 1;
export const GREEN = 2;
export const YELLOW = 3;
export const BLUE = 4;
export const MAGENTA = 5;
export const CYAN = 6;
export const WHITE = 7;
export const N_COLORS = 8;

export interface Formatting {
  readonly charset: Slot;
  readonly bold: boolean;
  readonly underline: boolean;
  readonly blink: boolean;
  readonly reverseVideo: boolean;
  /** 0 to 7. */
  readonly foreground: number;
  readonly background: number;
  /** Something is off that was on: it takes a reset to say so. */
  readonly _subtracting: boolean;
}

const DEFAULT: Formatting = {
  charset: G0,
  bold: false,
  underline: false,
  blink: false,
  reverseVideo: false,
  foreground: WHITE,
  background: BLACK,
  _subtracting: false,
};

const NAMES = Object.keys(DEFAULT) as (keyof Formatting)[];

let isDeprecationTold = false;

/** How a character looks. */
export class CharacterAttribute implements Formatting {
  readonly charset: Slot;
  readonly bold: boolean;
  readonly underline: boolean;
  readonly blink: boolean;
  readonly reverseVideo: boolean;
  readonly foreground: number;
  readonly background: number;
  readonly _subtracting: boolean;

  constructor(given: Partial<Formatting> = {}) {
    const all = { ...DEFAULT, ...given };
    this.charset = all.charset;
    this.bold = all.bold;
    this.underline = all.underline;
    this.blink = all.blink;
    this.reverseVideo = all.reverseVideo;
    this.foreground = all.foreground;
    this.background = all.background;
    this._subtracting = all._subtracting;
  }

  equals(other: unknown): boolean {
    return other instanceof CharacterAttribute && NAMES.every((name) => this[name] === other[name]);
  }

  copy(): CharacterAttribute {
    return new CharacterAttribute(this);
  }

  /** A copy with these instead. */
  with(changes: Partial<Formatting>): CharacterAttribute {
    return new CharacterAttribute(Object.assign({}, this, changes));
  }

  /** A copy in which one attribute has another value. */
  _withAttribute<N extends keyof Formatting>(name: N, value: Formatting[N]): CharacterAttribute {
    if (this[name] === value) return this.copy();
    return this.with({ [name]: value, _subtracting: !value });
  }

  /** @deprecated `assembleFormattedText` of `@strombus/conch/insults/text` */
  wantOne<N extends keyof Formatting>(wanted: Record<N, Formatting[N]>): CharacterAttribute {
    if (!isDeprecationTold) log.warn("wantOne is deprecated: use insults.text.assembleFormattedText");
    isDeprecationTold = true;
    const [name] = Object.keys(wanted) as [N];
    return this._withAttribute(name, wanted[name]);
  }

  /** What `selectGraphicRendition` takes to switch these on. */
  attributes(): number[] {
    const attributes: number[] = [];
    if (this._subtracting) attributes.push(0);
    if (this.bold) attributes.push(1);
    if (this.underline) attributes.push(4);
    if (this.blink) attributes.push(5);
    if (this.reverseVideo) attributes.push(7);
    if (this.foreground !== WHITE) attributes.push(FOREGROUND + this.foreground);
    if (this.background !== BLACK) attributes.push(BACKGROUND + this.background);
    return attributes;
  }

  /** The control sequence that switches these on. */
  toVT102(): string {
    const attributes = this.attributes();
    return attributes.length === 0 ? "" : `\x1b[${attributes.join(";")}m`;
  }
}
