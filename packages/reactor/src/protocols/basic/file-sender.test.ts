/** A file goes to its consumer at the consumer's pace. */
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { RuntimeError } from "../../exceptions.js";
import { Failure } from "../../failure.js";
import { StringTransport } from "../../testing/index.js";
import { FileSender } from "../basic.js";

function fileOf(text: string): { read(size: number): Buffer; reads: number[] } {
  let rest = Buffer.from(text);
  const reads: number[] = [];
  return {
    reads,
    read(size) {
      reads.push(size);
      const piece = rest.subarray(0, size);
      rest = rest.subarray(size);
      return piece;
    },
  };
}

/** A consumer that takes all there is. */
function drain(consumer: StringTransport): void {
  while (consumer.producer !== null) consumer.producer.resumeProducing();
}

test("sends pieces of 16,384 bytes, one each time it is asked, and fires with the last byte", () => {
  const [sender, consumer] = [new FileSender(), new StringTransport()];
  const text = "x".repeat(40_000) + "!";
  const file = fileOf(text);
  let last: unknown = null;
  sender.beginFileTransfer(file, consumer).addCallback((byte) => void (last = byte));
  expect([consumer.streaming, consumer.value().length]).toEqual([false, 0]);
  consumer.producer?.resumeProducing();
  expect([consumer.value().length, last]).toEqual([16_384, null]);
  drain(consumer);
  expect(consumer.value().toString()).toBe(text);
  expect(last).toEqual(Buffer.from("!"));
  expect(file.reads).toEqual([16_384, 16_384, 16_384, 16_384]); // the last finds nothing and ends the transfer
});

test("an empty file is sent at once", () => {
  const consumer = new StringTransport();
  let last: unknown = null;
  new FileSender().beginFileTransfer(fileOf(""), consumer).addCallback((byte) => void (last = byte));
  drain(consumer);
  expect(last).toEqual(Buffer.alloc(0));
});

test("a transform changes each piece, and the last byte is one that was sent", () => {
  const [sender, consumer] = [new FileSender(), new StringTransport()];
  sender.CHUNK_SIZE = 2;
  let last: unknown = null;
  const transform = (piece: Buffer): string => `<${piece.toString()}>`;
  sender.beginFileTransfer(fileOf("abc"), consumer, { transform }).addCallback((byte) => void (last = byte));
  drain(consumer);
  expect([consumer.value().toString(), String(last)]).toEqual(["<ab><c>", ">"]);
});

test("reads a descriptor", () => {
  const folder = mkdtempSync(join(tmpdir(), "strombus-"));
  writeFileSync(join(folder, "file"), "from the disk");
  const descriptor = openSync(join(folder, "file"), "r");
  const consumer = new StringTransport();
  new FileSender().beginFileTransfer(descriptor, consumer).addCallback(() => {});
  drain(consumer);
  closeSync(descriptor);
  rmSync(folder, { recursive: true });
  expect(consumer.value().toString()).toBe("from the disk");
});

test("fails when the consumer stops it before the end, and not after", () => {
  const [sender, consumer] = [new FileSender(), new StringTransport()];
  let outcome: unknown = null;
  sender.beginFileTransfer(fileOf("abc"), consumer).addBoth((result) => void (outcome = result));
  consumer.producer?.resumeProducing();
  sender.stopProducing();
  expect((outcome as Failure).check(RuntimeError)).toBe(RuntimeError);
  sender.stopProducing();
});

test("a file that cannot be read fails the transfer and frees the consumer", () => {
  const consumer = new StringTransport();
  let outcome: unknown = null;
  const broken = {
    read(): never {
      throw new RangeError("a bad sector");
    },
  };
  new FileSender().beginFileTransfer(broken, consumer).addBoth((result) => void (outcome = result));
  consumer.producer?.resumeProducing();
  expect(outcome).toBeInstanceOf(Failure);
  expect([(outcome as Failure).getErrorMessage(), consumer.producer]).toEqual(["a bad sector", null]);
});
