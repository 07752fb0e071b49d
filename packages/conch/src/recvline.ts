/** Line editing on terminals (twisted.conch.recvline). */
export { HistoricRecvLine } from "./recvline/historic.js";
export { LocalTerminalBufferMixin, type WithLocalBuffer } from "./recvline/local-buffer.js";
export { type KeyHandler, RecvLine } from "./recvline/recvline.js";
export { TransportSequence } from "./recvline/transport-sequence.js";
