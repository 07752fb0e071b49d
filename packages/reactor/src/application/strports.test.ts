/** Servers described by text listen as services, and say at once when they cannot. */
import { expect, test } from "vitest";
import { CannotListenError } from "../error.js";
import { ValueError } from "../exceptions.js";
import type { IAddress } from "../interfaces.js";
import { Factory } from "../protocol.js";
import { reactor } from "../reactor.js";
import { listen, service } from "./strports.js";

test("a service listens while it runs, and throws from its start when the port is taken", async () => {
  const factory = new Factory();
  factory.noisy = false;
  const taken = await listen("tcp:0:interface=127.0.0.1", factory, { reactor });
  const { port } = taken.getHost() as IAddress & { readonly port: number };
  const second = service(`tcp:${port}:interface=127.0.0.1`, factory);
  expect(() => second.privilegedStartService()).toThrow(CannotListenError);
  await taken.stopListening();
  await second.startService();
  expect(second.running).toBe(true);
  await second.stopService();
});

test("a description that means nothing is refused when the service is made", () => {
  expect(() => service("pigeon:7", new Factory())).toThrow(ValueError);
});
