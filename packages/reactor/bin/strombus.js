#!/usr/bin/env node
import { main } from "../lib/application/runner/main.js";

await main(process.argv.slice(2));
