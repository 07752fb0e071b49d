/**
 * What the connections of one file's tests hold does not count when the next file's strangers come: the files share a
 * process, and its Defence looks at all of them.
 */
import { afterAll } from "vitest";
import { holders } from "../../packages/conch/src/transport/held.js";

afterAll(() => holders.clear());
