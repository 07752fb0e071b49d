/**
 * What the parts cost by themselves, in microseconds: packets sealed and opened, messages written and read, key exchanges.
 * `--once` runs each a few times, to see that it works.
 *
 *     npm run bench:micro
 */
import { randomBytes } from "node:crypto";
import { ciphers, macs } from "../../packages/conch/dist/codec/algorithms.js";
import { IncomingPackets, OutgoingPackets } from "../../packages/conch/dist/codec/packets.js";
import { ciphersPending, nativeCiphers } from "../../packages/conch/dist/codec/ssh2.js";
import { methods } from "../../packages/conch/dist/kex/methods.js";
import { ChannelRequest, ChannelWindowAdjust } from "../../packages/conch/dist/messages/connection.js";
import { KexInit } from "../../packages/conch/dist/messages/transport.js";
import {
  DEFAULT_CIPHERS,
  DEFAULT_HOST_KEY_ALGORITHMS,
  DEFAULT_KEY_EXCHANGES,
  DEFAULT_MACS,
} from "../../packages/conch/dist/transport/algorithms.js";

const TIME = 300; // milliseconds for each row
const once = process.argv.includes("--once");

/** Runs `work` for a while and prints what one run took. */
function row(title, work) {
  for (let i = 0; i < (once ? 3 : 200); i++) work();
  if (once) {
    console.log(`${title.padEnd(60)} works`);
    return;
  }
  const start = performance.now();
  let runs = 0;
  for (; performance.now() - start < TIME; runs += 20) for (let i = 0; i < 20; i++) work();
  console.log(`${title.padEnd(60)} ${(((performance.now() - start) * 1000) / runs).toFixed(2).padStart(9)} us`);
}

/** Both ends of one direction under the same fresh keys. */
function ends(cipherName, macName) {
  const cipher = ciphers.get(cipherName);
  const mac = macName === null ? null : macs.get(macName);
  const secrets = [cipher.keyLength, cipher.ivLength, mac?.keyLength ?? 0].map((length) => randomBytes(length));
  const keys = () => {
    const [key, iv, macKey] = secrets.map((secret) => Buffer.from(secret));
    return { cipher, mac, key, iv, macKey };
  };
  const into = new IncomingPackets();
  const out = new OutgoingPackets({ writePacket: (packet) => into.feed(packet), allWritten: () => true });
  out.setKeys(keys(), false);
  into.setKeys(keys(), false);
  return { out, into };
}

console.log(`Node ${process.version}, ciphers of ${nativeCiphers() ? "ssh2's addon" : "node:crypto"}`);
await ciphersPending();

for (const [cipher, mac] of [
  ["aes128-gcm@openssh.com", null],
  ["aes256-gcm@openssh.com", null],
  ["chacha20-poly1305@openssh.com", null],
  ["aes128-ctr", "hmac-sha2-256-etm@openssh.com"],
]) {
  for (const size of [64, 32_768]) {
    const { out, into } = ends(cipher, mac);
    const data = randomBytes(size);
    row(`${cipher}${mac === null ? "" : ` with ${mac}`}, ${size} bytes sealed and opened`, () => {
      out.sendChannelData(0, data);
      if (into.next() === null) throw new Error("no packet came");
    });
  }
}

const offer = {
  cookie: randomBytes(16),
  keyExchanges: DEFAULT_KEY_EXCHANGES,
  hostKeys: DEFAULT_HOST_KEY_ALGORITHMS,
  ciphersToServer: DEFAULT_CIPHERS,
  ciphersToClient: DEFAULT_CIPHERS,
  macsToServer: DEFAULT_MACS,
  macsToClient: DEFAULT_MACS,
  compressionsToServer: ["none"],
  compressionsToClient: ["none"],
  languagesToServer: [],
  languagesToClient: [],
  firstKexPacketFollows: false,
  reserved: 0,
};
row("KEXINIT written and read", () => KexInit.decode(KexInit.encode(offer)));
const request = { recipientChannel: 1, type: "exec", wantReply: true, data: Buffer.from("\0\0\0\x02ls") };
row("CHANNEL_REQUEST written and read", () => ChannelRequest.decode(ChannelRequest.encode(request)));
const adjustment = { recipientChannel: 1, bytes: 1 << 20 };
row("CHANNEL_WINDOW_ADJUST written and read", () => {
  ChannelWindowAdjust.decode(ChannelWindowAdjust.encode(adjustment));
});

for (const method of methods.values()) {
  if (method.kind === "groupExchange") continue;
  row(`${method.name}, both sides`, () => {
    const client = method.initiate();
    const server = method.respond(client.value);
    if (!client.complete(server.value).equals(server.secret)) throw new Error("two secrets");
  });
}
