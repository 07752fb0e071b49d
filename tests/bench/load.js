/** Logs in so many times and ends. Usage: load.js PORT KEY LOGINS */
import { readFileSync } from "node:fs";
import { logins } from "./clients.js";

const [port, keyFile, count] = process.argv.slice(2);
await logins(Number(count), Number(port), readFileSync(keyFile));
process.exit();
