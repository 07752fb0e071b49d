/** STARTTLS with foreign programs: OpenSSL's client, by the protocols that it knows, and Python's TLS as a server. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { reactor } from "@strombus/reactor";
import type { ITLSTransport } from "@strombus/reactor/interfaces";
import { Factory, Protocol } from "@strombus/reactor/protocol";
import { LineReceiver } from "@strombus/reactor/protocols/basic";
import { TestAuthority } from "@strombus/reactor/testing";
import { expect, test } from "vitest";
import { coreExample } from "../support/core-example.js";
import { temporaryFolder } from "../support/folder.js";
import { needed } from "../support/needed.js";
import { peers } from "../support/peers.js";
import { Program } from "../support/program.js";

const openssl = needed("openssl");
const authority = new TestAuthority();
const certificate = authority.issue("localhost");
const trusted = join(temporaryFolder(), "authority.pem");
writeFileSync(trusted, authority.certificate.dumpPEM());

/** Answers lines in the clear until one asks for TLS; under TLS each line comes back. */
abstract class Upgrading extends LineReceiver {
  abstract readonly greeting: string;
  /** What to answer to a line, and whether TLS follows. */
  abstract answer(line: string): readonly [answer: string, upgrade?: boolean];
  #secure = false;

  override connectionMade(): void {
    this.sendLine(this.greeting);
  }

  override lineReceived(line: Buffer): void {
    if (this.#secure) {
      this.sendLine(`under TLS: ${line.toString()}`);
      return;
    }
    const [answer, upgrade = false] = this.answer(line.toString());
    this.sendLine(answer);
    if (!upgrade) return;
    this.clearLineBuffer();
    this.#secure = true;
    this.delimiter = Buffer.from("\n");
    (this.transport as ITLSTransport).startTLS(certificate.options());
  }
}

/** RFC 3207. */
class SMTP extends Upgrading {
  override readonly greeting = "220 localhost ESMTP";
  override answer(line: string): readonly [string, boolean?] {
    if (line.startsWith("EHLO")) return ["250-localhost\r\n250-STARTTLS\r\n250 8BITMIME"];
    return line === "STARTTLS" ? ["220 go ahead", true] : ["500 what?"];
  }
}

/** RFC 9051 section 6.2.1. */
class IMAP extends Upgrading {
  override readonly greeting = "* OK ready";
  override answer(line: string): readonly [string, boolean?] {
    const [tag = "", command = ""] = line.split(" ");
    if (command === "CAPABILITY") return [`* CAPABILITY IMAP4rev1 STARTTLS\r\n${tag} OK done`];
    return command === "STARTTLS" ? [`${tag} OK begin`, true] : [`${tag} BAD what?`];
  }
}

/** The SSLRequest of PostgreSQL, which is no line: eight bytes, answered by one. */
class PostgreSQL extends Protocol {
  #received = Buffer.alloc(0);
  #secure = false;

  override dataReceived(data: Buffer): void {
    if (this.#secure) {
      this.transport!.write(`under TLS: ${data.toString()}`);
      return;
    }
    this.#received = Buffer.concat([this.#received, data]);
    if (this.#received.length < 8) return;
    expect(this.#received.toString("hex")).toBe("0000000804d2162f");
    this.#secure = true;
    this.transport!.write("S");
    (this.transport as ITLSTransport).startTLS(certificate.options());
  }
}

for (const [name, protocol] of Object.entries({ smtp: SMTP, imap: IMAP, postgres: PostgreSQL })) {
  test(`openssl s_client -starttls ${name} trusts our certificate, and lines go both ways`, async () => {
    const factory = Factory.forProtocol(protocol);
    factory.noisy = false;
    const port = reactor.listenTCP(0, factory, { interface: "127.0.0.1" });
    const address = `127.0.0.1:${port.getHost().port}`;
    const verify = ["-CAfile", trusted, "-verify_return_error", "-verify_hostname", "localhost"];
    const client = new Program([openssl, "s_client", "-connect", address, "-starttls", name, "-quiet", ...verify]);
    client.type("hello\n");
    await client.stdout.until("under TLS: hello");
    client.type("again\n");
    await client.stdout.until("under TLS: again");
    await client.kill();
    await port.stopListening();
  });
}

/** Two lines in the clear, then TLS, an answer, and a clean end: it says what it was told and how the other side ended. */
const SERVER = `
import socket, ssl, sys, tempfile
with tempfile.NamedTemporaryFile("w") as file:
    file.write(sys.argv[1]); file.flush()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(file.name)
listening = socket.create_server(("127.0.0.1", 0))
print("port", listening.getsockname()[1], flush=True)
plain = listening.accept()[0]
lines = plain.makefile("rb", buffering=0)
print(lines.readline(), lines.readline(), flush=True)
plain.sendall(b"READY\\r\\n")
secure = context.wrap_socket(plain, server_side=True, suppress_ragged_eofs=False)
print(secure.version(), secure.recv(100), flush=True)
secure.sendall(b"received")
print("end", secure.recv(1), flush=True)
secure.unwrap().close()
`;

test("our client says STARTTLS to Python's TLS, which sees a clean end", async () => {
  const server = new Program([...peers(), "python3", "-W", "ignore", "-c", SERVER, certificate.dumpPEM()]);
  const [, port = ""] = await server.stdout.until(/port (\d+)\n/);
  const client = coreExample("starttls/client", [port, trusted]);
  await server.stdout.until("b'in the clear\\r\\n' b'STARTTLS\\r\\n'\n");
  await server.stdout.until("TLSv1.3 b'under TLS\\r\\n'\n");
  await client.stdout.until('received under TLS: "received"');
  await server.stdout.until("end b''\n");
  expect((await client.ending).status).toBe(0);
  expect((await server.ending).status).toBe(0);
});
