/** Protocols of lines, strings and files, to build others on (twisted.protocols.basic). */
export { IncompleteNetstring, NetstringParseError, StringTooLongError } from "./basic/errors.js";
export { FileSender, type FileTransferOptions, type SentFile } from "./basic/file-sender.js";
export {
  Int16StringReceiver,
  Int32StringReceiver,
  Int8StringReceiver,
  IntNStringReceiver,
} from "./basic/int-string.js";
export { LineOnlyReceiver, LineReceiver } from "./basic/line.js";
export { NetstringReceiver } from "./basic/netstring.js";
export { type StatefulString, StatefulStringProtocol } from "./basic/stateful.js";
