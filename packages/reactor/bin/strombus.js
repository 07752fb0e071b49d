#!/usr/bin/env node
import { main } from "../dist/application/runner/main.js";

await main(process.argv.slice(2));
