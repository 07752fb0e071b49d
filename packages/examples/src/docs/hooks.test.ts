/** The program of docs/hooks.md that is not an example of its own. */
import { SSHFactory } from "@strombus/conch/ssh/factory";
import { Key } from "@strombus/conch/ssh/keys";
import {
  MSG_DEBUG,
  MSG_IGNORE,
  MSG_KEXINIT,
  type PacketTap,
  SSHClientTransport,
  SSHServerTransport,
} from "@strombus/conch/ssh/transport";
import { Clock, FakeTransport } from "@strombus/reactor/testing";
import { connect } from "@strombus/reactor/testing/iosim";
import { expect, test } from "vitest";

/** DEBUG: not to be displayed, without text, without language. */
const discreet = Buffer.alloc(9);

class RecordingTransport extends SSHServerTransport {
  readonly recording: string[] = [];

  override packetTap: PacketTap = (direction, messageNum, payload) => {
    if (direction === "in" && messageNum === MSG_IGNORE) return []; // dropped
    if (direction === "out" && messageNum === MSG_DEBUG) return [[MSG_DEBUG, discreet]]; // changed
    this.recording.push(`${direction} ${messageNum} ${payload.length}`);
    return undefined; // left as it is
  };
}

test("a tap records, drops and changes", async () => {
  const hostKey = Key.generate("ed25519");
  const factory = new SSHFactory();
  factory.protocol = RecordingTransport;
  factory.privateKeys = { "ssh-ed25519": hostKey };
  factory.publicKeys = { "ssh-ed25519": hostKey.public() };
  const server = factory.buildProtocol({} as never) as RecordingTransport;
  const client = new SSHClientTransport();
  const heard: string[] = [];
  client.verifyHostKey = () => true;
  client.connectionSecure = () => undefined;
  client.receiveDebug = (_, message) => void heard.push(message);
  const clock = new Clock();
  client.clock = server.clock = clock;
  const [serverEnd, clientEnd] = [new FakeTransport(server, true), new FakeTransport(client, false)];
  const pump = connect(server, serverEnd, client, clientEnd, { clock });
  while (!client.isEncrypted("both")) {
    pump.flush();
    await Promise.resolve();
  }
  expect(server.recording).toEqual(
    expect.arrayContaining([expect.stringMatching(`in ${MSG_KEXINIT} `), expect.stringMatching(`out ${MSG_KEXINIT} `)]),
  );
  client.sendIgnore("not recorded");
  server.sendDebug("a secret");
  pump.flush();
  expect(heard).toEqual([""]);
  expect(server.recording.join()).not.toMatch(/in 2 |out 4 /);
  client.loseConnection();
  pump.flush();
});
