/** The small protocols of the inetd (twisted.protocols.wire). */
import { implementer } from "../components.js";
import { IPullProducer, type ITCPTransport } from "../interfaces.js";
import { Protocol } from "../protocol.js";

const EPOCH_1900 = 2_208_988_800; // seconds from 1900 to 1970

/** Sends back what it receives (RFC 862). */
export class Echo extends Protocol {
  override dataReceived(data: Buffer): void {
    this.transport?.write(data);
  }
}

/** Receives and does nothing (RFC 863). */
export class Discard extends Protocol {
  override dataReceived(): void {}
}

/** Sends characters for as long as they are taken (RFC 864). */
@implementer(IPullProducer)
export class Chargen extends Protocol implements IPullProducer {
  noise = Buffer.from(
    "@\r\n !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz",
  );

  override connectionMade(): void {
    (this.transport as ITCPTransport).registerProducer(this, false);
  }

  resumeProducing(): void {
    this.transport?.write(this.noise);
  }

  stopProducing(): void {
    this.transport?.loseConnection();
  }
}

/** Sends a quotation and closes (RFC 865). */
export class QOTD extends Protocol {
  override connectionMade(): void {
    this.transport?.write(this.getQuote());
    this.transport?.loseConnection();
  }

  /** To be overridden. */
  getQuote(): string | Buffer {
    return "An apple a day keeps the doctor away.\r\n";
  }
}

/** Sends who is logged in and closes (RFC 866). */
export class Who extends Protocol {
  override connectionMade(): void {
    this.transport?.write(this.getUsers());
    this.transport?.loseConnection();
  }

  /** To be overridden. */
  getUsers(): string | Buffer {
    return "root\r\n";
  }
}

/** Sends the time for people and closes (RFC 867). */
export class Daytime extends Protocol {
  override connectionMade(): void {
    this.transport?.write(`${new Date().toUTCString()}\r\n`);
    this.transport?.loseConnection();
  }
}

/** Sends the seconds since 1900, a 32-bit number, and closes (RFC 868). */
export class Time extends Protocol {
  override connectionMade(): void {
    const seconds = Buffer.alloc(4);
    seconds.writeUInt32BE((Math.floor(Date.now() / 1000) + EPOCH_1900) % 2 ** 32);
    this.transport?.write(seconds);
    this.transport?.loseConnection();
  }
}
