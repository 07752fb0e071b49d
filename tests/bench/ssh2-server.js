/** The job of server.ts on raw ssh2, TCP_NODELAY on as in ours, to measure it beside. Usage: ssh2-server.js PORT HOSTKEY */
import { readFileSync } from "node:fs";
import ssh2 from "ssh2";

const [port, hostKey] = process.argv.slice(2);
const chunk = Buffer.alloc(65_536, "x");

function session(accept) {
  const granted = accept();
  granted.on("pty", (yes) => yes?.());
  granted.on("env", (yes) => yes?.());
  granted.on("shell", (yes) => {
    const stream = yes();
    stream.pipe(stream);
  });
  granted.on("exec", async (yes, _no, { command }) => {
    const stream = yes();
    const finish = () => {
      stream.exit(0);
      stream.end();
    };
    const [name, count] = command.split(" ");
    let bytes = name === "source" ? Number(count) : 0;
    const pump = () => {
      while (bytes > 0) {
        const size = Math.min(bytes, chunk.length);
        bytes -= size;
        if (!stream.write(chunk.subarray(0, size))) return void stream.once("drain", pump);
      }
      finish();
    };
    if (name === "source") return pump();
    if (name === "stall") {
      const { standstill } = await import("./dist/loop.js");
      stream.write(`${JSON.stringify(standstill())}\n`);
      return finish();
    }
    stream.on("data", (data) => (bytes += data.length));
    stream.on("end", () => {
      stream.write(`${bytes}\n`);
      finish();
    });
  });
}

const server = new ssh2.Server({ hostKeys: [readFileSync(hostKey)] }, (client) => {
  client._sock.setNoDelay(true);
  client.on("error", () => undefined);
  client.on("authentication", (login) => {
    if (login.method === "none") return login.reject(["publickey", "password"]);
    if (login.method === "publickey" && login.signature) {
      const key = ssh2.utils.parseKey(login.key.data);
      if (key.verify(login.blob, login.signature, login.hashAlgo) !== true) return login.reject();
    }
    login.accept();
  });
  client.on("session", session);
});
server.listen(Number(port), "127.0.0.1");
