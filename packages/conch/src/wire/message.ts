/** A message is its RFC name, its number and its fields in wire order, declared once and used both ways. */
import { ProtocolError } from "../error.js";
import { readFields, writeFields, type Fields, type Given, type Values } from "./fields.js";
import { Reader } from "./reader.js";
import { Writer } from "./writer.js";

export interface Message<N extends string, F extends Fields> {
  readonly name: N;
  readonly number: number;
  readonly fields: F;
  /** The message's body: what follows its number. */
  readonly encode: (values: Given<F>) => Buffer;
  /** @throws ProtocolError when the body is shorter than its fields, or longer where nothing may follow them. */
  readonly decode: (body: Uint8Array) => Values<F>;
}

/** What may follow the last field of a message: nothing, or what is read past. */
export type Behind = "nothing" | "anything";

export function message<const N extends string, F extends Fields>(
  name: N,
  number: number,
  fields: F,
  behind: Behind = "nothing",
): Message<N, F> {
  const { encode, decode } = layout(name, fields, behind);
  return { name, number, fields, encode, decode };
}

/** Fields without a number: the data of a channel request, the options of a key file. */
export interface Layout<F extends Fields> {
  readonly fields: F;
  readonly encode: (values: Given<F>) => Buffer;
  readonly decode: (body: Uint8Array) => Values<F>;
}

export function layout<F extends Fields>(name: string, fields: F, behind: Behind = "nothing"): Layout<F> {
  return {
    fields,
    encode(values) {
      const out = new Writer();
      writeFields(out, fields, values);
      return out.payload();
    },
    decode(body) {
      const from = new Reader(body);
      try {
        const values = readFields(from, fields);
        if (behind === "nothing") from.end();
        return values;
      } catch (cause) {
        if (cause instanceof ProtocolError) throw new ProtocolError(`malformed ${name}: ${cause.message}`, { cause });
        throw cause;
      }
    },
  };
}
