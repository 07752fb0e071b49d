#!/usr/bin/env node
import { run } from "../lib/scripts/ckeygen.js";

await run();
