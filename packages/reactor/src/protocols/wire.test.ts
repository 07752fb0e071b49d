/** The small protocols do what their RFCs say. */
import { expect, test } from "vitest";
import { StringTransport } from "../testing/index.js";
import { Chargen, Daytime, Discard, Echo, QOTD, Time, Who } from "./wire.js";

function connected(protocol: { makeConnection(transport: StringTransport): unknown }): StringTransport {
  const transport = new StringTransport();
  protocol.makeConnection(transport);
  return transport;
}

test("Echo sends back what it receives, Discard nothing", () => {
  const [echo, discard] = [new Echo(), new Discard()];
  const [echoed, discarded] = [connected(echo), connected(discard)];
  echo.dataReceived(Buffer.from("hello"));
  discard.dataReceived();
  expect([String(echoed.value()), discarded.value().length]).toEqual(["hello", 0]);
});

test("Chargen sends once each time it is asked, until it is told to stop", () => {
  const chargen = new Chargen();
  const transport = connected(chargen);
  expect(transport.streaming).toBe(false);
  transport.producer?.resumeProducing();
  expect(transport.value()).toHaveLength(chargen.noise.length);
  chargen.stopProducing();
  expect(transport.disconnecting).toBe(true);
});

test("QOTD, Who, Daytime and Time write once and close", () => {
  for (const protocol of [new QOTD(), new Who(), new Daytime(), new Time()]) {
    const transport = connected(protocol);
    expect([transport.value().length > 0, transport.disconnecting], protocol.constructor.name).toEqual([true, true]);
  }
});

test("Time counts from 1900 (RFC 868)", () => {
  const sent = connected(new Time()).value().readUInt32BE();
  expect(Math.abs(sent - 2_208_988_800 - Date.now() / 1000)).toBeLessThan(2);
});
