/** Keys in the s-expressions of LSH: RSA and DSA only. */
import { pack, parse, type Sexp } from "../ssh/sexpy.js";
import { mpintBytes } from "../wire/writer.js";
import { decodeBase64 } from "./base64.js";
import { DSAMaterial } from "./dsa.js";
import { BadKeyError } from "./errors.js";
import type { KeyMaterial } from "./material.js";
import { modularInverse, toBigInt } from "./numbers.js";
import { RSAMaterial } from "./rsa.js";

type Numbers = Readonly<Record<string, bigint>>;

/** `{` base64 of an s-expression `}`. */
export function readPublicLsh(data: Buffer): KeyMaterial {
  const text = data.toString("latin1").trim();
  if (!text.startsWith("{") || !text.endsWith("}")) throw new BadKeyError("malformed LSH key");
  const { kind, number } = open(decodeBase64(text.slice(1, -1).replace(/\s/g, "")), "public-key");
  if (kind === "rsa-pkcs1-sha1") return RSAMaterial.fromNumbers(number("n"), number("e"), null);
  if (kind === "dsa") return new DSAMaterial(dsaNumbers(number), null);
  throw new BadKeyError("unknown kind of LSH key");
}

export function readPrivateLsh(data: Buffer): KeyMaterial {
  const { kind, number } = open(data, "private-key");
  if (kind === "rsa-pkcs1") {
    const [p, q] = [number("p"), number("q")];
    const smaller = p < q ? p : q;
    const larger = p < q ? q : p;
    return RSAMaterial.fromNumbers(number("n"), number("e"), { d: number("d"), p: smaller, q: larger });
  }
  if (kind === "dsa") return new DSAMaterial(dsaNumbers(number), number("x"));
  throw new BadKeyError("unknown kind of LSH key");
}

/** @throws BadKeyError for a key that is neither RSA nor DSA. */
export function writeLsh(key: KeyMaterial): Buffer {
  if (key.type !== "RSA" && key.type !== "DSA") {
    throw new BadKeyError(`LSH has no form for keys of type ${key.sshType}`);
  }
  const numbers = key.data() as Numbers;
  if (!key.isPublic)
    return pack([["private-key", key.type === "RSA" ? privateRsa(numbers) : dsa(numbers, "p", "q", "g", "y", "x")]]);
  const inner =
    key.type === "RSA"
      ? pairs("rsa-pkcs1-sha1", { n: numbers["n"]!, e: numbers["e"]! })
      : dsa(numbers, "p", "q", "g", "y");
  return Buffer.from(`{${pack([["public-key", inner]]).toString("base64")}}`);
}

/** Twisted writes p and q the other way round, with a and b to match. */
function privateRsa(numbers: Numbers): (string | Buffer | (string | Buffer)[])[] {
  const [n, e, d, p, q] = ["n", "e", "d", "p", "q"].map((name) => numbers[name]!) as [
    bigint,
    bigint,
    bigint,
    bigint,
    bigint,
  ];
  const [a, b, c] = [d % (q - 1n), d % (p - 1n), modularInverse(q, p)];
  return pairs("rsa-pkcs1", { n, e, d, p: q, q: p, a, b, c });
}

function dsa(numbers: Numbers, ...names: string[]): (string | Buffer | (string | Buffer)[])[] {
  return pairs("dsa", Object.fromEntries(names.map((name) => [name, numbers[name]!])));
}

function pairs(kind: string, numbers: Numbers): (string | Buffer | (string | Buffer)[])[] {
  return [kind, ...Object.entries(numbers).map(([name, value]) => [name, mpintBytes(value)])];
}

/** `(label (kind (name value)...))` */
function open(data: Buffer, label: string): { kind: string; number: (name: string) => bigint } {
  const [head, body, ...more] = parse(data);
  if (!isText(head, label) || !Array.isArray(body) || more.length > 0) throw new BadKeyError("malformed LSH key");
  const [kind, ...fields] = body;
  const values = new Map<string, bigint>();
  for (const field of fields) {
    const [name, value] = Array.isArray(field) ? field : [];
    if (!Buffer.isBuffer(name) || !Buffer.isBuffer(value)) throw new BadKeyError("malformed LSH key");
    values.set(name.toString("latin1"), toBigInt(value));
  }
  return {
    kind: Buffer.isBuffer(kind) ? kind.toString("latin1") : "",
    number(name) {
      const value = values.get(name);
      if (value === undefined) throw new BadKeyError("a number of the LSH key is missing");
      return value;
    },
  };
}

function dsaNumbers(number: (name: string) => bigint): { p: bigint; q: bigint; g: bigint; y: bigint } {
  return { p: number("p"), q: number("q"), g: number("g"), y: number("y") };
}

function isText(sexp: Sexp | undefined, text: string): boolean {
  return Buffer.isBuffer(sexp) && sexp.toString("latin1") === text;
}
