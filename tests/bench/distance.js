/** A path that takes its time: everything passes through, each way delayed by half of the round trip. */
import { connect, createServer } from "node:net";

/** Listens on a free port and passes everything on to `port`. */
export async function far(port, roundTripMs) {
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (near) => {
    const other = connect({ port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
    delayed(near, other, roundTripMs / 2);
    delayed(other, near, roundTripMs / 2);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { port: server.address().port, close: () => server.close() };
}

/** What is on its way is not bounded: the windows of SSH are what is measured. */
function delayed(from, to, ms) {
  from.on("data", (data) => setTimeout(() => to.write(data), ms));
  from.on("end", () => setTimeout(() => to.end(), ms));
  from.on("error", () => to.destroy());
}
