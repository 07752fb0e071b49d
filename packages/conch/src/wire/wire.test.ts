import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ProtocolError } from "../error.js";
import * as connection from "../messages/connection.js";
import * as kex from "../messages/kex.js";
import * as sftp from "../messages/sftp.js";
import * as transport from "../messages/transport.js";
import * as userauth from "../messages/userauth.js";
import type { AnyField, Fields } from "./fields.js";
import type { Layout } from "./message.js";
import { Reader } from "./reader.js";
import { mpintFromMagnitude, Writer } from "./writer.js";

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");

// value, wire bytes: the examples of RFC 4251 section 5
const mpints = [
  [0n, "00000000"],
  [0x9a378f9b2e332a7n, "00000008 09a378f9b2e332a7"],
  [0x80n, "00000002 0080"],
  [-0x1234n, "00000002 edcc"],
  [-0xdeadbeefn, "00000005 ff21524111"],
] as const;

describe("data types", () => {
  for (const [value, wire] of mpints) {
    test(`mpint ${value} is ${wire} both ways`, () => {
      const out = new Writer();
      out.mpint(value);
      expect(out.payload()).toEqual(hex(wire));
      expect(new Reader(hex(wire)).mpint()).toBe(value);
    });
  }

  test("any integer goes through an mpint unchanged", () => {
    fc.assert(
      fc.property(fc.bigInt(), (value) => {
        const out = new Writer(1);
        out.mpint(value);
        expect(new Reader(out.payload()).mpint()).toBe(value);
      }),
    );
  });

  test("a magnitude loses leading zeros and gains one before a set top bit", () => {
    expect(mpintFromMagnitude(hex("0000ff01"))).toEqual(hex("00ff01"));
    expect(mpintFromMagnitude(hex("00007f"))).toEqual(hex("7f"));
    expect(mpintFromMagnitude(hex("0000"))).toEqual(hex(""));
  });

  test("name-lists are those of RFC 4251 section 5", () => {
    for (const [names, wire] of [
      [[], "00000000"],
      [["zlib"], "00000004 7a6c6962"],
      [["zlib", "none"], "00000009 7a6c69622c6e6f6e65"],
    ] as const) {
      const out = new Writer();
      out.nameList(names);
      expect(out.payload()).toEqual(hex(wire));
      expect(new Reader(hex(wire)).nameList()).toEqual(names);
    }
  });

  test("any byte but 0 is true", () => {
    expect([0, 1, 255].map((byte) => new Reader(Buffer.of(byte)).boolean())).toEqual([false, true, true]);
  });

  test("a string longer than its input is a protocol error", () => {
    expect(() => new Reader(hex("ffffffff 00")).string()).toThrow(ProtocolError);
    expect(() => new Reader(hex("000000")).uint32()).toThrow(ProtocolError);
  });
});

/** Values of a field, by its kind. */
function arbitrary(field: AnyField): fc.Arbitrary<unknown> {
  const data = (length?: number): fc.Arbitrary<Buffer> =>
    fc
      .uint8Array(length === undefined ? {} : { minLength: length, maxLength: length })
      .map((bytes) => Buffer.from(bytes));
  const name = fc.stringMatching(/^[a-z0-9@.-]{1,12}$/);
  const uint32 = fc.nat(0xffffffff);
  const uint64 = fc
    .bigInt(0n, 2n ** 64n - 1n)
    .map((value) => (value > BigInt(Number.MAX_SAFE_INTEGER) ? value : Number(value)));
  switch (field.kind) {
    case "byte":
      return fc.nat(255);
    case "boolean":
      return fc.boolean();
    case "uint32":
      return uint32;
    case "uint64":
      return uint64;
    case "attributes": {
      const owner = fc.option(fc.record({ uid: uint32, gid: uint32 }), { nil: {} });
      const times = fc.option(fc.record({ atime: uint32, mtime: uint32 }), { nil: {} });
      const others = fc.record({ size: uint64, permissions: uint32, "ext_a@b": data() }, { requiredKeys: [] });
      return fc.tuple(owner, times, others).map((parts) => Object.assign({}, ...parts) as object);
    }
    case "extensions":
      return fc.array(fc.tuple(name, data()), { maxLength: 5 }).map((pairs) => new Map(pairs));
    case "text":
    case "trailingText":
      return fc.string({ unit: "grapheme" });
    case "bytes":
    case "rest":
      return data();
    case "nameList":
      return fc.array(name);
  }
  if (field.kind.startsWith("raw(")) return data(Number(field.kind.slice(4, -1)));
  if (field.kind.startsWith("counted(")) return fc.constant([]);
  throw new Error(`no values for ${field.kind}`);
}

const all: [string, unknown][] = Object.entries({ ...connection, ...kex, ...transport, ...userauth, ...sftp });
const declared = all.filter((each): each is [string, Layout<Fields>] => typeof each[1] === "object");

describe("every declared message", () => {
  test("is among these", () => {
    expect(declared.length).toBeGreaterThan(40);
  });

  for (const [name, layout] of declared) {
    test(`${name}: decoding what was encoded gives the same values`, () => {
      const shape = Object.fromEntries(Object.entries(layout.fields).map(([key, field]) => [key, arbitrary(field)]));
      fc.assert(
        fc.property(fc.record(shape), (values) => {
          expect(layout.decode(layout.encode(values as never))).toEqual({ ...values });
        }),
      );
    });

    test(`${name}: decoding arbitrary bytes gives values or a ProtocolError`, () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
          try {
            layout.decode(bytes);
          } catch (error) {
            expect(error).toBeInstanceOf(ProtocolError);
          }
        }),
      );
    });
  }

  test("with counted groups carries each group", () => {
    const values = { extensions: [{ name: "server-sig-algs", value: Buffer.from("ssh-ed25519") }] };
    expect(transport.ExtInfo.decode(transport.ExtInfo.encode(values))).toEqual(values);
    const prompts = { name: "n", instruction: "i", language: "", prompts: [{ prompt: "Code: ", echo: true }] };
    expect(userauth.UserauthInfoRequest.decode(userauth.UserauthInfoRequest.encode(prompts))).toEqual(prompts);
  });

  test("with a count that lies ends with the input", () => {
    expect(() => transport.ExtInfo.decode(hex("ffffffff 00000001 61 00000000"))).toThrow(ProtocolError);
  });

  test("that goes on after its last field is refused", () => {
    expect(() => connection.ChannelEof.decode(hex("00000001 00"))).toThrow(/1 bytes follow/);
  });
});
