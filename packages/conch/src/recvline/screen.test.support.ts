/** What a user would see of a terminal protocol. */
import { StringTransport } from "@strombus/reactor/testing";
import { TerminalBuffer } from "../insults/helper.js";
import { ClientProtocol, type ServerProtocol } from "../insults/insults.js";

export function screenOf(server: ServerProtocol, screen = new TerminalBuffer()) {
  const client = new ClientProtocol(() => screen);
  client.reportOrder = "ansi";
  const transport = new StringTransport();
  transport.write = (data) => void client.dataReceived(Buffer.from(data));
  const back = new StringTransport();
  back.write = (data) => void server.dataReceived(Buffer.from(data));
  void client.makeConnection(back);
  void server.makeConnection(transport);
  return {
    server,
    transport,
    screen,
    type: (text: string) => void server.dataReceived(Buffer.from(text)),
    /** Without the rows below that are empty. */
    text: () => screen.toString().trimEnd(),
  };
}
