/** Pipes text through a program, and tells what came out and how it ended. node main.js TEXT [PROGRAM [ARGUMENT...]] */
import { reactor, type Failure } from "@strombus/reactor";
import { ProcessTerminated } from "@strombus/reactor/error";
import { ProcessProtocol } from "@strombus/reactor/protocol";
import { readWords } from "../words.js";

class Pipe extends ProcessProtocol {
  #output = "";

  override connectionMade() {
    this.transport?.write(text);
    this.transport?.closeStdin(); // the program knows that there is no more
  }
  override outReceived(data: Buffer) {
    this.#output += data.toString();
  }
  override errReceived(data: Buffer) {
    console.log("it complains:", data.toString().trim());
  }
  override processEnded(reason: Failure) {
    const { value } = reason;
    console.log("it says:", this.#output.trim());
    console.log(value instanceof ProcessTerminated ? `it ended with status ${value.exitCode}` : "it ended well");
    reactor.stop();
  }
}

const [text = "", program = "wc", ...rest] = readWords("TEXT [PROGRAM [ARGUMENT...]]");
const args = [program, ...(program === "wc" ? ["-w"] : rest)];
reactor.spawnProcess(new Pipe(), program, args, { env: null });
await reactor.run();
