/** Both sides of SFTP against a peer that says anything: messages by chance, damaged ones, and bytes that are none. */
import { capturedLogs } from "@strombus/reactor/logger";
import { StringTransport } from "@strombus/reactor/testing";
import { describe, expect, test } from "vitest";
import { type FileAttributes, ISFTPServer } from "../interfaces.js";
import { implementer } from "@strombus/reactor/components";
import { type FileTransferBase, FileTransferClient, FileTransferServer, SFTPError } from "../ssh/filetransfer.js";
import { Chance } from "./chance.test.support.js";
import { damaged, SFTP_MESSAGES, validBody } from "./messages.test.support.js";

const TALKS = 300;
const MESSAGES_OF_A_TALK = 60;

/** Files that are all there; what is open and closed is counted. */
@implementer(ISFTPServer)
class Files implements ISFTPServer {
  avatar: unknown = null;
  open = 0;
  readonly #chance: Chance;

  constructor(chance: Chance) {
    this.#chance = chance;
  }

  gotVersion = () => ({});
  openFile = () => this.#answer(() => this.#opened({}));
  openDirectory = () =>
    this.#answer(() =>
      this.#opened({
        *[Symbol.iterator]() {
          for (let n = 0; n < 300; n++) yield [`n${n}`, "line", {}] as const;
        },
      }),
    );
  removeFile = () => this.#answer(() => undefined);
  renameFile = () => this.#answer(() => undefined);
  makeDirectory = () => this.#answer(() => undefined);
  removeDirectory = () => this.#answer(() => undefined);
  getAttrs = () => this.#answer((): FileAttributes => ({ size: 1 }));
  setAttrs = () => this.#answer(() => undefined);
  readLink = () => this.#answer(() => "target");
  makeLink = () => this.#answer(() => undefined);
  realPath = () => this.#answer(() => "/");
  extendedRequest = () => this.#answer(() => "reply");

  #opened<T extends object>(what: T) {
    this.open += 1;
    return Object.assign(what, {
      close: () => {
        this.open -= 1;
      },
      readChunk: () => this.#answer(() => Buffer.from("data")),
      writeChunk: () => this.#answer(() => undefined),
      getAttrs: () => this.#answer((): FileAttributes => ({})),
      setAttrs: () => this.#answer(() => undefined),
    });
  }

  #answer<T>(value: () => T): T | Promise<T> {
    if (this.#chance.odds(0.2)) throw new SFTPError(3, "no");
    return this.#chance.odds(0.5) ? value() : Promise.resolve().then(value);
  }
}

function frame(number: number, body: Uint8Array): Buffer {
  const header = Buffer.alloc(5, number);
  header.writeUInt32BE(1 + body.length);
  return Buffer.concat([header, body]);
}

/** A stream of packets that may be anything, in pieces of any length. */
function* talk(chance: Chance): Generator<Buffer> {
  const packets = Array.from({ length: MESSAGES_OF_A_TALK }, () => {
    if (chance.odds(0.005)) return chance.bytes(chance.below(40));
    const message = chance.pick(SFTP_MESSAGES);
    const body = validBody(message, chance);
    const number = chance.odds(0.02) ? chance.below(256) : message.number;
    return frame(number, chance.odds(0.1) ? damaged(body, chance) : body);
  });
  const all = Buffer.concat(packets);
  for (let at = 0; at < all.length;) {
    const length = 1 + chance.below(chance.odds(0.5) ? 20 : 2000);
    yield Buffer.from(all.subarray(at, at + length));
    at += length;
  }
}

/** The failures in the log: bad input is none. */
function faults(run: () => void): unknown[] {
  return capturedLogs(run).flatMap(({ log_failure: failure }) => (failure === undefined ? [] : [failure.value]));
}

async function have(protocol: FileTransferBase, chance: Chance): Promise<StringTransport> {
  const transport = new StringTransport();
  void protocol.makeConnection(transport);
  for (const piece of talk(chance)) {
    expect(faults(() => void protocol.dataReceived(piece))).toEqual([]);
    if (chance.odds(0.3)) await Promise.resolve();
  }
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  return transport;
}

describe("S6: SFTP with a peer that says anything", () => {
  test("a server answers each request once at most, and keeps nothing open behind it", async () => {
    let answers = 0;
    for (let seed = 1; seed <= TALKS; seed++) {
      const chance = new Chance(seed);
      const files = new Files(chance);
      const server = new FileTransferServer(null, { avatar: files });
      const transport = await have(server, chance);
      const said = transport.value();
      let answered = 0;
      for (let at = 0; at < said.length; at += 4 + said.readUInt32BE(at)) answered += 1;
      expect(answered).toBeLessThanOrEqual(MESSAGES_OF_A_TALK + 5); // bytes that are no packet may look like several
      answers += answered;
      void server.connectionLost();
      for (let turn = 0; turn < 20; turn++) await Promise.resolve();
      expect(files.open).toBe(0);
    }
    expect(answers).toBeGreaterThan(TALKS * 10);
  });

  test("a client's calls all come to an end", async () => {
    const outcomes = new Map<string, number>();
    for (let seed = 1; seed <= TALKS; seed++) {
      const chance = new Chance(seed);
      const client = new FileTransferClient();
      void client.makeConnection(new StringTransport());
      const calls = [
        client.openFile("f", 1, {}),
        client.openDirectory("d"),
        client.getAttrs("f"),
        client.readLink("f"),
        client.removeFile("f"),
        client.extendedRequest("x", ""),
      ];
      const ended = calls.map((call) =>
        Promise.resolve<unknown>(call).then(
          () => "success",
          (error: unknown) => (error as Error).name,
        ),
      );
      await have(client, chance);
      void client.connectionLost();
      for (const outcome of await Promise.all(ended)) outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
    expect([...outcomes.keys()].sort()).toEqual([
      "ConnectionLost",
      "EOFError",
      "NotImplementedError",
      "ProtocolError",
      "SFTPError",
      "success",
    ]);
  });
});
