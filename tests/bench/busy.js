/** Keeps sessions of a server busy until it is killed: each sends 16 bytes whenever the last have come back. Usage: busy.js PORT KEY SESSIONS */
import { readFileSync } from "node:fs";
import { idle } from "./clients.js";

const [port, keyFile, sessions] = process.argv.slice(2);
const clients = await idle(Number(sessions), Number(port), readFileSync(keyFile));
for (const client of clients) {
  client.shell(false, (error, stream) => {
    if (error) throw error;
    stream.on("data", () => stream.write("0123456789abcdef"));
    stream.write("0123456789abcdef");
  });
}
process.send?.("busy");
