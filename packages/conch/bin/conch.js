#!/usr/bin/env node
import { run } from "../lib/scripts/conch.js";

await run();
