%% Runs a command on the server at the port of the first argument, then takes a file there and back: Erlang's ssh.
main([Port, File]) ->
    logger:set_primary_config(level, error),
    {ok, _} = application:ensure_all_started(ssh),
    {ok, Connection} = ssh:connect("127.0.0.1", list_to_integer(Port),
        [{user, "user"}, {password, "password"}, {silently_accept_hosts, true}, {save_accepted_host, false},
         {user_interaction, false}]),
    {ok, Channel} = ssh_connection:session_channel(Connection, infinity),
    success = ssh_connection:exec(Connection, Channel, "a command", infinity),
    io:format("~b ~s", output(Channel, none, [])),
    {ok, Sftp} = ssh_sftp:start_channel(Connection),
    {ok, Content} = file:read_file(File),
    ok = ssh_sftp:write_file(Sftp, "taken", Content),
    {ok, Back} = ssh_sftp:read_file(Sftp, "taken"),
    ok = ssh_sftp:delete(Sftp, "taken"),
    ok = file:write_file(File ++ ".back", Back).

output(Channel, Status, Got) ->
    receive
        {ssh_cm, _, {data, Channel, 0, Data}} -> output(Channel, Status, [Got, Data]);
        {ssh_cm, _, {exit_status, Channel, New}} -> output(Channel, New, Got);
        {ssh_cm, _, {eof, Channel}} -> output(Channel, Status, Got);
        {ssh_cm, _, {closed, Channel}} -> [Status, Got]
    end.
