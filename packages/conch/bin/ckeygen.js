#!/usr/bin/env node
import { run } from "../lib/scripts/ckeygen.js";

process.stdout.on("error", (error) => {
  if (error.code !== "EPIPE") throw error; // who read it has gone, as `head -1` has: what is to be made is made all the same
});
await run();
