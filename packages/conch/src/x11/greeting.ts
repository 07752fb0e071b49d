/** The first bytes of an X program, in which it shows that it may use the display (X Window System Protocol, section 8). */

/** What a greeting says, and how long it is. */
export interface Greeting {
  readonly protocol: string;
  readonly cookie: Buffer;
  readonly length: number;
}

const FIXED = 12; // bytes
const MAX_NAME = 64;
const MAX_COOKIE = 256;

/** Null as long as it is not all there; false for what no X program says. */
export function readGreeting(input: Buffer): Greeting | null | false {
  if (input.length < FIXED) return null;
  const order = orderOf(input);
  if (order === null) return false;
  const nameLength = order.read(input, 6);
  const cookieLength = order.read(input, 8);
  if (nameLength > MAX_NAME || cookieLength > MAX_COOKIE) return false;
  const cookieAt = FIXED + padded(nameLength);
  const length = cookieAt + padded(cookieLength);
  if (input.length < length) return null;
  return {
    protocol: input.toString("latin1", FIXED, FIXED + nameLength),
    cookie: input.subarray(cookieAt, cookieAt + cookieLength),
    length,
  };
}

/** The same greeting with another cookie; without one, when it is null. */
export function greetingWith(greeting: Buffer, protocol: string, cookie: Buffer | null): Buffer {
  const name = Buffer.from(cookie === null ? "" : protocol);
  const shown = cookie ?? Buffer.alloc(0);
  const out = Buffer.alloc(FIXED + padded(name.length) + padded(shown.length));
  greeting.copy(out, 0, 0, FIXED);
  const order = orderOf(greeting)!;
  order.write(out, name.length, 6);
  order.write(out, shown.length, 8);
  name.copy(out, FIXED);
  shown.copy(out, FIXED + padded(name.length));
  return out;
}

interface Order {
  read(from: Buffer, at: number): number;
  write(to: Buffer, value: number, at: number): void;
}

const BIG: Order = {
  read: (from, at) => from.readUInt16BE(at),
  write: (to, value, at) => to.writeUInt16BE(value, at),
};
const LITTLE: Order = {
  read: (from, at) => from.readUInt16LE(at),
  write: (to, value, at) => to.writeUInt16LE(value, at),
};

function orderOf(greeting: Buffer): Order | null {
  switch (greeting[0]) {
    case 0x42: // B
      return BIG;
    case 0x6c: // l
      return LITTLE;
    default:
      return null;
  }
}

function padded(length: number): number {
  return Math.ceil(length / 4) * 4;
}
