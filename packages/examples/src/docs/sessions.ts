/** The piece of docs/sessions.md that is no example of its own. It is compiled here; tests are in packages/conch/src/streams. */
import type { SSHConnection } from "@strombus/conch/ssh/connection";
import { ClientSession, type Exit } from "@strombus/conch/streams";

export async function sort(conn: SSHConnection): Promise<Exit> {
  await using session = await ClientSession.open(conn); // of @strombus/conch/streams
  session.env("LANG", "C.UTF-8");
  await session.pty("xterm", { columns: 80, rows: 24 }); // for a terminal
  await session.exec("sort");
  session.stream.end("b\na\n");
  for await (const data of session) process.stdout.write(data);
  const { code, signal } = await session.exit;
  return { code, signal };
}
