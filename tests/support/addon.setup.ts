/**
 * Has ssh2's ciphers ready before the tests, whose clocks do not wait for what loads by itself. And keeps its addon out of
 * test processes on a Node that aborts when one of its objects is garbage-collected (24.19 and later of Node 24,
 * nodejs/node#65446): ssh2's own client, which tests drive, would take it wherever it loads.
 */
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);

if (major === 24 && minor >= 19) {
  const dlopen = process.dlopen.bind(process);
  process.dlopen = (module, filename, ...rest) => {
    if (filename.endsWith("sshcrypto.node")) throw new Error("this Node cannot bear the addon");
    dlopen(module, filename, ...rest);
  };
}

const { ciphersPending } = await import("../../packages/conch/src/codec/ssh2.js");
await ciphersPending();
