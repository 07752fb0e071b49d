/** A chat: the first line is your name, every other one goes to everybody else. node main.js [PORT] */
import { escapeText } from "@strombus/reactor/logger";
import { reactor } from "@strombus/reactor";
import { Factory } from "@strombus/reactor/protocol";
import { LineReceiver } from "@strombus/reactor/protocols/basic";
import { announce } from "../announce.js";
import { readWords } from "../words.js";

const people = new Map<string, Chatter>();

class Chatter extends LineReceiver {
  override delimiter = "\n";
  override MAX_LENGTH = 1000;
  #name: string | null = null;

  override connectionMade() {
    this.sendLine("What is your name?");
  }

  override lineReceived(line: Buffer) {
    const text = escapeText(line.toString().trim());
    if (this.#name !== null) this.#tellOthers(`${this.#name}: ${text}`);
    else this.#enter(text);
  }

  override connectionLost() {
    if (this.#name === null) return;
    people.delete(this.#name);
    this.#tellOthers(`${this.#name} has left`);
  }

  #enter(name: string) {
    if (name === "" || people.has(name)) {
      this.sendLine("That name is taken. Another one?");
      return;
    }
    this.sendLine(`Welcome, ${name}! Here are: ${[...people.keys()].join(", ") || "only you"}.`);
    this.#name = name;
    people.set(name, this);
    this.#tellOthers(`${name} has come`);
  }

  #tellOthers(line: string) {
    for (const person of people.values()) if (person !== this) person.sendLine(line);
  }
}

const [port = "8001"] = readWords("[PORT]");
const listening = reactor.listenTCP(Number(port), Factory.forProtocol(Chatter));
announce(listening);
await reactor.run();
