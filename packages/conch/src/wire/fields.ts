/** The data types of RFC 4251 section 5 as fields of a message: how a value goes onto the wire and comes off it. */
import type { Reader } from "./reader.js";
import type { BytesLike, Writer } from "./writer.js";

/**
 * One data type. `kind` names it for log lines and for tests that make values of it; W is what may be written where that
 * is more than what is read.
 */
export interface Field<T, W = T> {
  readonly kind: string;
  write(out: Writer, value: W): void;
  read(from: Reader): T;
}

function field<T, W = T>(kind: string, write: (out: Writer, value: W) => void, read: (from: Reader) => T): Field<T, W> {
  return { kind, write, read };
}

export const byte = field<number>(
  "byte",
  (out, value) => out.byte(value),
  (from) => from.byte(),
);
export const boolean = field<boolean>(
  "boolean",
  (out, value) => out.boolean(value),
  (from) => from.boolean(),
);
export const uint32 = field<number>(
  "uint32",
  (out, value) => out.uint32(value),
  (from) => from.uint32(),
);
export const uint64 = field<bigint>(
  "uint64",
  (out, value) => out.uint64(value),
  (from) => from.uint64(),
);
export const mpint = field<bigint>(
  "mpint",
  (out, value) => out.mpint(value),
  (from) => from.mpint(),
);

/** A string of any bytes; a view when read. */
export const bytes = field<Buffer, BytesLike>(
  "bytes",
  (out, value) => out.string(value),
  (from) => from.string(),
);

/** A string of UTF-8. */
export const text = field<string>(
  "text",
  (out, value) => out.string(value),
  (from) => from.text(),
);

/** A text that older peers leave out at the end of a message; it reads as "" then. */
export const trailingText = field<string>(
  "trailingText",
  (out, value) => out.string(value),
  (from) => (from.remaining === 0 ? "" : from.text()),
);

export const nameList = field<string[], readonly string[]>(
  "nameList",
  (out, value) => out.nameList(value),
  (from) => from.nameList(),
);

/** The tail of a message, which a higher layer reads. */
export const rest = field<Buffer, Uint8Array>(
  "rest",
  (out, value) => out.raw(value),
  (from) => from.rest(),
);

/** Exactly `length` bytes without a length in front, as a KEXINIT's cookie. */
export function raw(length: number): Field<Buffer, Uint8Array> {
  return field(
    `raw(${length})`,
    (out, value) => out.raw(value),
    (from) => from.raw(length),
  );
}

/** A uint32 count, then so many groups of fields; the input ends a count that lies. */
export function counted<F extends Fields>(fields: F): Field<Values<F>[], readonly Given<F>[]> {
  return field(
    `counted(${Object.values(fields)
      .map((each) => each.kind)
      .join(",")})`,
    (out, groups) => {
      out.uint32(groups.length);
      for (const group of groups) writeFields(out, fields, group);
    },
    (from) => {
      const count = from.uint32();
      const groups: Values<F>[] = [];
      for (let i = 0; i < count; i++) groups.push(readFields(from, fields));
      return groups;
    },
  );
}

/** A field of whatever type. */
export interface AnyField {
  readonly kind: string;
  write(out: Writer, value: never): void;
  read(from: Reader): unknown;
}

export type Fields = Readonly<Record<string, AnyField>>;

/** What reading gives. */
export type Values<F extends Fields> = { [K in keyof F]: F[K] extends { read(from: Reader): infer T } ? T : never };

/** What writing takes. */
export type Given<F extends Fields> = {
  readonly [K in keyof F]: F[K] extends { write(out: Writer, value: infer W): void } ? W : never;
};

export function writeFields<F extends Fields>(out: Writer, fields: F, values: Given<F>): void {
  for (const key in fields) fields[key]!.write(out, values[key] as never);
}

export function readFields<F extends Fields>(from: Reader, fields: F): Values<F> {
  const values: Record<string, unknown> = {};
  for (const key in fields) values[key] = fields[key]!.read(from);
  return values as Values<F>;
}
