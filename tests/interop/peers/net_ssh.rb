# Runs a command on the server at the port of the first argument, then takes a file there and back: net-ssh and net-sftp.
require "net/sftp"

port, file = ARGV
login = { port: Integer(port), password: "password", verify_host_key: :never, non_interactive: true, config: false }
Net::SSH.start("127.0.0.1", "user", login) do |ssh|
  result = ssh.exec!("a command")
  puts "#{result.exitstatus} #{result}"
  ssh.sftp.connect! do |sftp|
    sftp.upload!(file, "taken")
    sftp.download!("taken", "#{file}.back")
    sftp.remove!("taken")
  end
end
