/**
 * Servers for the accounts of their system (twisted.conch.unix): login shells, commands and subsystems as the account.
 * POSIX only. As root all accounts can be served, otherwise one's own.
 */
export { UnixConchUser, UnixSSHRealm, type UnixSSHRealmOptions } from "./unix/avatar.js";
export { SSHSessionForUnixConchUser } from "./unix/session.js";
export { SFTPServerForUnixConchUser, UnixSFTPDirectory, UnixSFTPFile } from "./unix/sftp.js";
