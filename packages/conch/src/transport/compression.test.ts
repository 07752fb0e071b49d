import { describe, expect, test } from "vitest";
import { type pair, Recorder, securePair, settle, type Pair } from "./fixtures.test.support.js";

const text = "to be or not to be, that is the question. ".repeat(50);

function offering(...names: string[]): Parameters<typeof pair>[0] {
  return (client, server) => {
    client.supportedCompressions = server.supportedCompressions = names;
  };
}

/** Bytes on the wire that `send` makes, each way. */
function measured(made: Pair, send: () => void): number {
  let bytes = 0;
  for (const io of [made.clientIO, made.serverIO]) {
    const write = io.write.bind(io);
    io.write = (data) => {
      bytes += data.length;
      write(data);
    };
  }
  send();
  made.pump.flush();
  return bytes;
}

describe("zlib@openssh.com", () => {
  test("begins with the login, both ways", async () => {
    const made = await securePair(offering("zlib@openssh.com"));
    const [here, there] = [new Recorder("ssh-userauth"), new Recorder("ssh-userauth")];
    made.client.setService(here);
    made.server.setService(there);
    expect(measured(made, () => made.client.sendPacket(50, text))).toBeGreaterThan(text.length);
    made.server.sendPacket(52, "");
    made.pump.flush();
    expect(here.got).toEqual([[52, ""]]);
    const [after, back] = [new Recorder("ssh-connection"), new Recorder("ssh-connection")];
    made.client.setService(back);
    made.server.setService(after);
    expect(measured(made, () => made.client.sendPacket(94, text))).toBeLessThan(200);
    expect(measured(made, () => made.server.sendPacket(94, text))).toBeLessThan(200);
    expect([after.got, back.got]).toEqual([[[94, text]], [[94, text]]]);
  });

  test("goes on after a rekey", async () => {
    const made = await securePair(offering("zlib@openssh.com"));
    made.client.setService(new Recorder("ssh-userauth"));
    made.server.setService(new Recorder("ssh-userauth"));
    made.server.sendPacket(52, "");
    made.pump.flush();
    const there = new Recorder("ssh-connection");
    made.client.setService(new Recorder("ssh-connection"));
    made.server.setService(there);
    const { sessionID } = made.client;
    made.client.sendKexInit();
    await settle(made);
    expect([made.server.offers, made.client.sessionID]).toEqual([2, sessionID]);
    expect(measured(made, () => made.client.sendPacket(94, text))).toBeLessThan(200);
    expect(there.got).toEqual([[94, text]]);
  });
});

test("zlib compresses from the first keys on", async () => {
  const made = await securePair(offering("zlib"));
  const there = new Recorder("ssh-userauth");
  made.server.setService(there);
  expect(measured(made, () => made.client.sendPacket(50, text))).toBeLessThan(200);
  expect(there.got).toEqual([[50, text]]);
});

test("a packet that does not decompress ends the connection with reason 6", async () => {
  const made = await securePair(offering("zlib@openssh.com"));
  made.server.setService(new Recorder("ssh-userauth"));
  made.server.sendPacket(52, "");
  made.client.force(50, Buffer.from(text)); // before the client knows
  made.pump.flush();
  expect(made.server.said).toEqual([6]);
});
