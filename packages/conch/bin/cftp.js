#!/usr/bin/env node
import { run } from "../lib/scripts/cftp.js";

await run();
