/** S-expressions in the canonical form that LSH keeps its keys in (twisted.conch.ssh.sexpy). */
import { AssertionError } from "@strombus/reactor/exceptions";
import { toBuffer, type BytesLike } from "../wire/writer.js";

/** A byte string or a list of such. */
export type Sexp = Buffer | Sexp[];

const MAX_DEPTH = 64;

/** Reads exactly one list. @throws AssertionError on anything else. */
export function parse(input: BytesLike): Sexp[] {
  const bytes = toBuffer(input);
  const outer: Sexp[] = [];
  const open: Sexp[][] = [outer];
  for (let at = 0; at < bytes.length;) {
    const inner = open.at(-1)!;
    if (inner === outer && outer.length > 0) throw new AssertionError("bytes follow the s-expression");
    const character = String.fromCharCode(bytes[at]!);
    if (character === "(") {
      if (open.length > MAX_DEPTH) throw new AssertionError("the s-expression is nested too deeply");
      const list: Sexp[] = [];
      inner.push(list);
      open.push(list);
      at++;
    } else if (character === ")" && open.length > 1) {
      open.pop();
      at++;
    } else {
      const length = /^(\d{1,9}):/.exec(bytes.toString("latin1", at, at + 10))?.[1];
      if (length === undefined || inner === outer) throw new AssertionError("malformed s-expression");
      const start = at + length.length + 1;
      at = start + Number(length);
      if (at > bytes.length) throw new AssertionError("the s-expression ends too early");
      inner.push(bytes.subarray(start, at));
    }
  }
  const [list] = outer;
  if (open.length > 1 || !Array.isArray(list)) throw new AssertionError("the s-expression ends too early");
  return list;
}

/** Lists as (...), byte strings as their decimal length, a colon and the bytes. */
export function pack(list: readonly (BytesLike | readonly unknown[])[]): Buffer {
  const parts = list.map((each) => {
    if (Array.isArray(each)) {
      const body = pack(each as readonly (BytesLike | readonly unknown[])[]);
      return Buffer.concat([Buffer.from("("), body, Buffer.from(")")]);
    }
    const bytes = toBuffer(each as BytesLike);
    return Buffer.concat([Buffer.from(`${bytes.length}:`), bytes]);
  });
  return Buffer.concat(parts);
}
