/**
 * Rules T4 to T6, T10 to T12, K1 and K3: every message number in every phase, to both roles, against the tables of
 * docs/admission.md. The peer is a transport of ours that stops at the message with which the next phase would begin.
 */
import { readFileSync } from "node:fs";
import { expect, describe, test } from "vitest";
import { Disconnect, KexInit, ServiceAccept, ServiceRequest, Unimplemented } from "../messages/transport.js";
import * as connection from "../messages/connection.js";
import { PasswordData, UserauthFailure, UserauthRequest } from "../messages/userauth.js";
import { SSHChannel } from "../ssh/channel.js";
import { SSHClientTransport, SSHServerTransport, type SSHTransportBase } from "../ssh/transport.js";
import { Chance } from "./chance.test.support.js";
import { MESSAGES, validBody } from "./messages.test.support.js";
import { echoServer, hostKey, match, PASSWORD, talkingClient, type Match } from "./victims.test.support.js";

const STRICT = /kex-strict-([cs])-v00@openssh\.com/g;

/** An attacker minds the exchange of keys, up to the message at which it stops. */
interface Attacker {
  /** In its phase it hears nothing more, and so answers nothing. */
  deaf: boolean;
  stopsAt: number | null;
  genuine: Buffer | null;
  hidesMarker: boolean;
}

class Stopped extends Error {}

interface Outgoing {
  readonly outgoing: { send(number: number, body: Uint8Array): void };
}

/** Sends whatever is asked for, past what the attacker's transport would do by itself. */
type Force = (number: number, body: Uint8Array) => void;

function arm(transport: SSHTransportBase & Attacker): Force {
  const { outgoing } = transport as unknown as Outgoing;
  const send = outgoing.send.bind(outgoing);
  outgoing.send = (number, body) => {
    if (transport.genuine !== null) throw new Stopped();
    let said: Uint8Array = body;
    if (number === KexInit.number && transport.hidesMarker) {
      said = Buffer.from(
        Buffer.from(body).toString("latin1").replace(STRICT, "kex-lenient-$1-00@openssh.com"),
        "latin1",
      );
      transport.ourKexInitPayload = Buffer.concat([Buffer.of(number), said]);
    }
    if (number === transport.stopsAt) {
      transport.genuine = Buffer.from(said);
      transport.deaf = true;
      throw new Stopped();
    }
    send(number, said);
  };
  return send;
}

class FalseClient extends SSHClientTransport implements Attacker {
  deaf = false;
  stopsAt: number | null = null;
  genuine: Buffer | null = null;
  hidesMarker = false;
  override supportedKeyExchanges = ["curve25519-sha256"];
  override kexInitMoment = "kexInitReceived" as const;
  override verifyHostKey(): boolean {
    return true;
  }
  override connectionSecure(): void {}
  override dataReceived(data: Buffer): void {
    if (!this.deaf) super.dataReceived(data);
  }
  protected override receive(number: number, payload: Buffer): void {
    if (number >= 20 && number < 50) super.receive(number, payload);
  }
  protected override failed(error: unknown): void {
    if (!(error instanceof Stopped)) super.failed(error);
  }
}

class FalseServer extends SSHServerTransport implements Attacker {
  deaf = false;
  stopsAt: number | null = null;
  genuine: Buffer | null = null;
  hidesMarker = false;
  override supportedKeyExchanges = ["curve25519-sha256"];
  override supportedPublicKeys = ["ssh-ed25519"];
  override kexInitMoment = "kexInitReceived" as const;
  override factory = {
    publicKeys: { "ssh-ed25519": hostKey.public() },
    privateKeys: { "ssh-ed25519": hostKey },
    getService: () => null,
  } as never;
  override dataReceived(data: Buffer): void {
    if (!this.deaf) super.dataReceived(data);
  }
  protected override receive(number: number, payload: Buffer): void {
    if (number >= 20 && number < 50) super.receive(number, payload);
  }
  protected override failed(error: unknown): void {
    if (!(error instanceof Stopped)) super.failed(error);
  }
}

/** One victim in one phase. */
interface Scene {
  readonly made: Match;
  readonly victim: SSHTransportBase;
  readonly attacker: SSHTransportBase & Attacker;
  readonly force: Force;
}

type Phase = (role: Role) => Promise<Scene>;

interface Role {
  readonly title: string;
  /** The method's message that an attacker of this role sends. */
  readonly value: number;
  set(attack: (attacker: SSHTransportBase & Attacker) => void): Promise<Scene>;
  /** From keys to login, from login to its success. */
  readonly logsIn: readonly (readonly [number: number, body: Buffer])[];
}

const FROM_CLIENT: Role = {
  title: "From a client",
  value: 30,
  async set(attack) {
    const attacker = new FalseClient();
    const force = arm(attacker);
    attack(attacker);
    const made = await match(
      (clock, ledger) => Object.assign(echoServer(clock, ledger), { supportedKeyExchanges: ["curve25519-sha256"] }),
      (clock) => Object.assign(attacker, { clock }),
    );
    return { made, victim: made.server, attacker, force };
  },
  logsIn: [
    [ServiceRequest.number, ServiceRequest.encode({ service: "ssh-userauth" })],
    [
      UserauthRequest.number,
      UserauthRequest.encode({
        user: Buffer.from("user"),
        service: "ssh-connection",
        method: "password",
        data: PasswordData.encode({ change: false, password: Buffer.from(PASSWORD), tail: Buffer.alloc(0) }),
      }),
    ],
  ],
};

const FROM_SERVER: Role = {
  title: "From a server",
  value: 31,
  async set(attack) {
    const attacker = new FalseServer();
    const force = arm(attacker);
    attack(attacker);
    const made = await match((clock) => Object.assign(attacker, { clock }), talkingClient);
    return { made, victim: made.client, attacker, force };
  },
  logsIn: [
    [ServiceAccept.number, ServiceAccept.encode({ service: "ssh-userauth" })],
    [52, Buffer.alloc(0)],
  ],
};

const stoppedAt =
  (number: number): Phase =>
  (role) =>
    role.set((attacker) => (attacker.stopsAt = number));

const afterLogin =
  (steps: number): Phase =>
  async (role) => {
    const scene = await role.set(() => undefined);
    for (const [number, body] of role.logsIn.slice(0, steps)) {
      scene.force(number, body);
      await scene.made.settle();
    }
    return scene;
  };

/** Logged in, with a channel of the victim's own that is being opened, and one that is open. */
async function loggedIn(role: Role): Promise<Scene> {
  const scene = await afterLogin(2)(role);
  const { victim, force, made } = scene;
  const service = victim.service as unknown as {
    openChannel(channel: object): PromiseLike<unknown>;
    sendGlobalRequest(type: string, data: string, wantReply: boolean): PromiseLike<unknown>;
  };
  service.openChannel(new SSHChannel()).then(undefined, () => undefined);
  service.openChannel(new SSHChannel()).then(undefined, () => undefined);
  service.sendGlobalRequest("ask", "", true).then(undefined, () => undefined);
  force(
    91,
    connection.ChannelOpenConfirmation.encode({
      recipientChannel: 0,
      senderChannel: 0,
      window: 1000,
      maxPacket: 1000,
      data: Buffer.alloc(0),
    }),
  );
  await made.settle();
  return scene;
}

const PHASES: Readonly<Record<string, Phase>> = {
  start: stoppedAt(20),
  strict: (role) => stoppedAt(role.value)(role),
  "NEWKEYS due": stoppedAt(21),
  "not strict": (role) =>
    role.set((attacker) => {
      attacker.stopsAt = role.value;
      attacker.hidesMarker = true;
    }),
  secured: afterLogin(0),
  login: afterLogin(1),
  "logged in": loggedIn,
  "our rekey": async (role) => {
    const scene = await loggedIn(role);
    scene.attacker.stopsAt = 20;
    scene.victim.sendKexInit();
    await scene.made.settle();
    return scene;
  },
  rekey: async (role) => {
    const scene = await loggedIn(role);
    scene.attacker.stopsAt = role.value;
    scene.attacker.sendKexInit();
    await scene.made.settle();
    return scene;
  },
};

const NONE = Buffer.alloc(0);
const TO_OPEN = { recipientChannel: 0 };
/** Bodies that fit the channels above: number 0 is open, 1 is being opened. */
const BODIES: ReadonlyMap<number, Buffer> = new Map([
  [80, connection.GlobalRequest.encode({ type: "ask", wantReply: true, data: NONE })],
  [81, NONE],
  [82, NONE],
  [90, connection.ChannelOpen.encode({ type: "session", senderChannel: 9, window: 9, maxPacket: 9, data: NONE })],
  [
    91,
    connection.ChannelOpenConfirmation.encode({
      recipientChannel: 1,
      senderChannel: 1,
      window: 9,
      maxPacket: 9,
      data: NONE,
    }),
  ],
  [92, connection.ChannelOpenFailure.encode({ recipientChannel: 1, reason: 1, description: "not now", language: "" })],
  [93, connection.ChannelWindowAdjust.encode({ ...TO_OPEN, bytes: 1 })],
  [94, connection.ChannelData.encode({ ...TO_OPEN, data: Buffer.from("data") })],
  [95, connection.ChannelExtendedData.encode({ ...TO_OPEN, type: 1, data: Buffer.from("data") })],
  [96, connection.ChannelEof.encode(TO_OPEN)],
  [97, connection.ChannelClose.encode(TO_OPEN)],
  [98, connection.ChannelRequest.encode({ ...TO_OPEN, type: "shell", wantReply: true, data: NONE })],
  [99, connection.ChannelSuccess.encode(TO_OPEN)],
  [100, connection.ChannelFailure.encode(TO_OPEN)],
  [51, UserauthFailure.encode({ methods: ["password"], partialSuccess: false })],
]);

/** A body as good as it gets: refused or closed for, it is the number that was not wanted. */
function bodyOf(number: number, { attacker, victim }: Scene, role: Role): Buffer {
  if (number === attacker.stopsAt && attacker.genuine !== null) return attacker.genuine;
  const fitting = BODIES.get(number) ?? role.logsIn.find(([each]) => each === number)?.[1];
  if (fitting !== undefined) return fitting;
  if (number === KexInit.number) return theirOwnOffer(victim);
  const message = MESSAGES.find((each) => each.number === number);
  return message === undefined ? NONE : validBody(message, new Chance(number));
}

/** What the victim itself would offer fits it well. */
function theirOwnOffer(victim: SSHTransportBase): Buffer {
  const names = { hostKeys: ["ssh-ed25519"], ciphers: victim.supportedCiphers, macs: victim.supportedMACs };
  return KexInit.encode({
    cookie: Buffer.alloc(16),
    keyExchanges: ["curve25519-sha256"],
    hostKeys: names.hostKeys,
    ciphersToServer: names.ciphers,
    ciphersToClient: names.ciphers,
    macsToServer: names.macs,
    macsToClient: names.macs,
    compressionsToServer: ["none"],
    compressionsToClient: ["none"],
    languagesToServer: [],
    languagesToClient: [],
    firstKexPacketFollows: false,
    reserved: 0,
  });
}

/** What the victim makes of one message: a word of the tables. */
async function outcome(number: number, scene: Scene, role: Role): Promise<string> {
  const { victim, made, force } = scene;
  let [dispatched, refused, said] = [false, false, false];
  const dispatch = victim.dispatchMessage.bind(victim);
  victim.dispatchMessage = (messageNum, payload) => {
    dispatched = true;
    return dispatch(messageNum, payload);
  };
  const send = victim.sendPacket.bind(victim);
  victim.sendPacket = (messageNum, payload) => {
    refused ||= messageNum === Unimplemented.number;
    said ||= messageNum === Disconnect.number;
    send(messageNum, payload);
  };
  scene.attacker.deaf = true;
  force(number, bodyOf(number, scene, role));
  await made.settle();
  victim.dispatchMessage = dispatch;
  victim.sendPacket = send;
  const isOver = (victim as unknown as { handshake: { closed: boolean } }).handshake.closed;
  if (isOver) return said ? "-" : "ends";
  if (refused) return "refused";
  return dispatched ? "yes" : "ignored";
}

/** The columns of a role's table, each from number to word. */
function tableOf(title: string): Map<string, Map<number, string>> {
  const page = readFileSync(new URL("../../../../docs/admission.md", import.meta.url), "utf8");
  const section = page.split(/^## /m).find((each) => each.startsWith(title))!;
  const [head, , ...rows] = section
    .split("\n")
    .filter((line) => line.startsWith("|"))
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  const columns = new Map(head!.slice(2).map((name) => [name, new Map<number, string>()]));
  for (const [numbers = "", , ...cells] of rows) {
    for (const range of numbers.split(",")) {
      const [from = 0, to = from] = range.split("-").map(Number);
      for (let number = from; number <= to; number++) {
        [...columns.values()].forEach((column, n) => {
          expect(column.has(number), `${number} has one row`).toBe(false);
          column.set(number, cells[n]!);
        });
      }
    }
  }
  return columns;
}

for (const role of [FROM_CLIENT, FROM_SERVER]) {
  describe(`${role.title.toLowerCase()}, each number from 0 to 255 has what the table says:`, () => {
    const table = tableOf(role.title);

    test("the table has all phases and all numbers", () => {
      expect([...table.keys()]).toEqual(Object.keys(PHASES));
      for (const column of table.values()) expect(column.size).toBe(256);
    });

    for (const [name, phase] of Object.entries(PHASES)) {
      test(name, { timeout: 60_000 }, async () => {
        const wrong: string[] = [];
        let scene: Scene | null = null;
        for (let number = 0; number < 256; number++) {
          // After a refusal things are as they were, but for the right to be the first packet.
          if (scene === null || number === 7 || number === 20) scene = await phase(role);
          const found = await outcome(number, scene, role);
          const expected = table.get(name)!.get(number);
          if (found !== expected) wrong.push(`${number} is ${expected}, and was ${found}`);
          if (found !== "refused" && found !== "ignored") {
            leave(scene);
            scene = null;
          }
        }
        if (scene !== null) leave(scene);
        expect(wrong).toEqual([]);
      });
    }
  });
}

function leave({ made }: Scene): void {
  made.serverIO.abortConnection();
  made.clientIO.abortConnection();
}
