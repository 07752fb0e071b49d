/** SFTP for users who are no accounts of the system. The protocol is in `@strombus/conch/ssh/filetransfer`. */
export { SFTPServerForFolder, type SFTPServerForFolderOptions } from "./sftp/folder.js";
