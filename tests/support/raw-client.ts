/** A client that has keys and the service `ssh-userauth`, and then says what it is told to. */
import { SSHClientTransport } from "@strombus/conch/ssh/transport";
import { reactor } from "@strombus/reactor";
import { connectProtocol, TCP4ClientEndpoint } from "@strombus/reactor/endpoints";

/** The number of a message, 0 for the end of the connection, and its body. */
export type Heard = readonly [number: number, body: Buffer];

export class RawClient extends SSHClientTransport {
  #next: (heard: Heard) => void = () => {};

  /** Connects, and settles when the server is ready for a login. */
  static async connect(port: number): Promise<RawClient> {
    const client = new RawClient();
    const ready = new Promise<void>((resolve, reject) => {
      client.connectionSecure = () => {
        client.requestService({
          name: "ssh-userauth",
          transport: null,
          serviceStarted: resolve,
          serviceStopped() {},
          packetReceived: (number: number, body: Buffer) => client.#next([number, Buffer.from(body)]),
        });
      };
      client.#next = () => reject(new Error("the server would not talk"));
    });
    await connectProtocol(new TCP4ClientEndpoint(reactor, "127.0.0.1", port), client);
    await ready;
    return client;
  }

  override verifyHostKey(): void {} // a server of the test's own

  override connectionLost(...reason: Parameters<SSHClientTransport["connectionLost"]>): void {
    super.connectionLost(...reason);
    this.#next([0, Buffer.alloc(0)]);
  }

  /** What the server says next. */
  async hear(): Promise<Heard> {
    return new Promise((resolve) => (this.#next = resolve));
  }

  async ask(number: number, body: Uint8Array): Promise<Heard> {
    const heard = this.hear();
    this.sendPacket(number, Buffer.from(body));
    return heard;
  }
}
