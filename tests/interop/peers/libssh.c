/* Runs a command on the server at the port of the first argument, then takes a file there and back: libssh. */
#include <fcntl.h>
#include <libssh/libssh.h>
#include <libssh/sftp.h>
#include <stdio.h>
#include <stdlib.h>

static void check(int good, const char *what, ssh_session session) {
  if (good) return;
  fprintf(stderr, "%s: %s\n", what, ssh_get_error(session));
  exit(1);
}

int main(int argc, char **argv) {
  static char content[4 << 20], name[4096];
  int port = atoi(argv[1]), nodelay = 1, received;
  ssh_session session = ssh_new();
  ssh_options_set(session, SSH_OPTIONS_HOST, "127.0.0.1");
  ssh_options_set(session, SSH_OPTIONS_PORT, &port);
  ssh_options_set(session, SSH_OPTIONS_USER, "user");
  ssh_options_set(session, SSH_OPTIONS_NODELAY, &nodelay);
  check(ssh_connect(session) == SSH_OK, "connect", session);
  check(ssh_userauth_password(session, NULL, "password") == SSH_AUTH_SUCCESS, "login", session);

  ssh_channel channel = ssh_channel_new(session);
  check(ssh_channel_open_session(channel) == SSH_OK, "session", session);
  check(ssh_channel_request_exec(channel, "a command") == SSH_OK, "exec", session);
  received = ssh_channel_read(channel, content, sizeof content, 0);
  while (!ssh_channel_is_closed(channel) && ssh_channel_read(channel, name, sizeof name, 0) >= 0);
  printf("%d %.*s", ssh_channel_get_exit_status(channel), received, content);

  FILE *file = fopen(argv[2], "rb");
  size_t size = fread(content, 1, sizeof content, file), done = 0;
  fclose(file);
  sftp_session sftp = sftp_new(session);
  check(sftp_init(sftp) == SSH_OK, "sftp", session);
  sftp_file remote = sftp_open(sftp, "taken", O_CREAT | O_WRONLY | O_TRUNC, 0600);
  check(remote != NULL, "open to write", session);
  while (done < size) {
    size_t next = size - done < 32768 ? size - done : 32768;
    ssize_t written = sftp_write(remote, content + done, next);
    check(written > 0, "write", session);
    done += written;
  }
  sftp_close(remote);
  snprintf(name, sizeof name, "%s.back", argv[2]);
  file = fopen(name, "wb");
  remote = sftp_open(sftp, "taken", O_RDONLY, 0);
  check(remote != NULL, "open to read", session);
  while ((received = sftp_read(remote, content, 32768)) > 0) fwrite(content, 1, received, file);
  fclose(file);
  sftp_close(remote);
  check(sftp_unlink(sftp, "taken") == SSH_OK, "remove", session);
  sftp_free(sftp);
  ssh_disconnect(session);
  ssh_free(session);
  return 0;
}
