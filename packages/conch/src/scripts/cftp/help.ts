/** What there is to be told to cftp. */

const COMMANDS: readonly (readonly [usage: string, does: string])[] = [
  ["cd path", "Go to a directory of the server"],
  ["chgrp gid path", "Give a file to a group"],
  ["chmod mode path", "Set the permissions of a file, in octal"],
  ["chown uid path", "Give a file to a user"],
  ["exec command, !command", "Run a command here; without one, a shell"],
  ["exit, quit", "Leave"],
  ["get remote [local]", "Fetch a file, or all that match a pattern"],
  ["help, ?", "Show this"],
  ["lcd path", "Go to a directory here"],
  ["lls [options] [path]", "List files here"],
  ["lmkdir path", "Make a directory here"],
  ["ln link target", "Make a symbolic link on the server"],
  ["lpwd", "Show the directory here"],
  ["ls [-la] [path]", "List files of the server"],
  ["mkdir path", "Make a directory on the server"],
  ["progress", "Show how far transfers are, or do not"],
  ["put local [remote]", "Send a file, or all that match a pattern"],
  ["pwd", "Show the directory of the server"],
  ["rename old new", "Rename a file of the server"],
  ["rm path", "Remove a file of the server"],
  ["rmdir path", "Remove a directory of the server"],
  ["version", "Show the version of SFTP that is spoken"],
];

const COLUMN = 32;

export const HELP = ["Available commands:", ...COMMANDS.map(([usage, does]) => usage.padEnd(COLUMN) + does)].join("\n");
