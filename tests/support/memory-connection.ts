/** A connection of ours after the login, with a peer at the other end that says what a test has it say, in memory. */
import type { IConchUser } from "@strombus/conch/interfaces";
import { SSHConnection } from "@strombus/conch/ssh/connection";
import { fields, type Pair, Recorder, secured } from "./memory-ssh.js";

/** As `fields` takes it. */
export type Field = string | number | boolean | Uint8Array;

export interface Conversation {
  readonly made: Pair;
  readonly connection: SSHConnection;
  /** Of our side: the DISCONNECTs that it sent. */
  readonly disconnects: readonly number[];
  /** Has the peer say this, and waits for what comes of it. */
  readonly send: (number: number, ...values: Field[]) => Promise<void>;
  /** The same, behind which more follows before anybody answers. */
  readonly push: (number: number, ...values: Field[]) => void;
  /** The bodies of messages that the peer got, and the numbers of all of them. */
  readonly got: (number: number) => Buffer[];
  readonly numbers: readonly number[];
}

/**
 * @param role of our side
 * @param avatar of who has logged in, where our side is the server
 */
export async function conversation(
  role: "server" | "client",
  avatar?: IConchUser,
  connection = new SSHConnection(),
): Promise<Conversation> {
  const made = await secured();
  const [ours, theirs] = role === "server" ? [made.server, made.client] : [made.client, made.server];
  const peer = new Recorder();
  if (avatar !== undefined) made.server.avatar = avatar;
  theirs.setService(peer);
  ours.setService(connection);
  await made.settle();
  peer.got.length = 0; // a server has named its host keys
  const push = (number: number, ...values: Field[]) => theirs.sendPacket(number, fields(...values));
  return {
    made,
    connection,
    disconnects: ours.said,
    push,
    async send(number, ...values) {
      push(number, ...values);
      await made.settle();
    },
    got: (number) => peer.got.filter(([each]) => each === number).map(([, body]) => body),
    get numbers() {
      return peer.got.map(([number]) => number);
    },
  };
}

/** A channel of ours that the peer has opened as its number 7, with as much window as it likes. */
export async function openedBy(talk: Conversation, type: string, window = 2 ** 20): Promise<number> {
  const before = talk.got(91).length;
  await talk.send(90, type, 7, window, 32_768);
  const confirmation = talk.got(91)[before];
  if (confirmation === undefined) throw new Error(`no channel of type ${type}`);
  return confirmation.readUInt32BE(4);
}
