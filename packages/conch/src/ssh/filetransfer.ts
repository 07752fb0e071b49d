/** File transfer by SFTP, version 3, both sides (twisted.conch.ssh.filetransfer; draft-ietf-secsh-filexfer-02). */
export * from "../sftp/numbers.js";
export { SFTPError } from "../sftp/errors.js";
export { FileTransferBase } from "../sftp/base.js";
export { FileTransferServer } from "../sftp/server.js";
export { ClientDirectory, ClientFile, FileTransferClient, type ListedEntry, type Success } from "../sftp/client.js";
export {
  type DirectoryEntry,
  type Extensions,
  type FileAttributes,
  type IDirectory,
  ISFTPFile,
  ISFTPServer,
} from "../interfaces.js";
