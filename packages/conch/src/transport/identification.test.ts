import { describe, expect, test } from "vitest";
import { ProtocolError } from "../error.js";
import { FloodError, IdentificationReader, type Identification } from "./identification.js";

const read = (text: string, peerIsServer = false): Identification | null =>
  new IdentificationReader(peerIsServer).feed(Buffer.from(text, "latin1"));

describe("the version line", () => {
  test("is found however it is cut", () => {
    const reader = new IdentificationReader(false);
    for (const byte of Buffer.from("SSH-2.0-OpenSSH_10.0 comment\r")) expect(reader.feed(Buffer.of(byte))).toBeNull();
    expect(reader.feed(Buffer.from("\nrest"))).toEqual({
      line: Buffer.from("SSH-2.0-OpenSSH_10.0 comment"),
      protocolVersion: "2.0",
      rest: Buffer.from("rest"),
    });
  });

  test("may end with LF alone, and keeps trailing blanks, which are hashed", () => {
    expect(read("SSH-1.99-x  \n")?.line.toString()).toBe("SSH-1.99-x  ");
    expect(read("SSH-1.99-x  \n")?.protocolVersion).toBe("1.99");
  });

  test("ends at the first one: a later line that looks like it is data", () => {
    expect(read("SSH-2.0-a\r\nSSH-2.0-b\r\n")?.rest.toString()).toBe("SSH-2.0-b\r\n");
  });

  test("of a server may follow other lines, of a client not (T1)", () => {
    expect(read("welcome\r\nSSH-2.0-x\r\n", true)?.line.toString()).toBe("SSH-2.0-x");
    expect(() => read("welcome\r\nSSH-2.0-x\r\n")).toThrow(ProtocolError);
  });

  test("of a client that speaks something else is refused at its first bytes", () => {
    expect(() => read("GET / HTTP/1.1")).toThrow(ProtocolError);
    expect(() => read("\x16\x03\x01")).toThrow(ProtocolError);
  });

  test("is 255 bytes at most", () => {
    expect(read(`SSH-2.0-${"x".repeat(245)}\r\n`)).not.toBeNull();
    expect(() => read(`SSH-2.0-${"x".repeat(246)}\r\n`)).toThrow(ProtocolError);
    expect(() => read(`SSH-2.0-${"x".repeat(300)}`)).toThrow(ProtocolError);
  });

  test("with a NUL byte is refused", () => {
    expect(() => read("SSH-2.0-a\0b\r\n")).toThrow(ProtocolError);
  });

  test("must come within 4096 bytes and 100 lines", () => {
    expect(() => read("x".repeat(4097), true)).toThrow(FloodError);
    expect(read("x".repeat(4096), true)).toBeNull();
    expect(() => read("x\n".repeat(101), true)).toThrow(ProtocolError);
  });
});
