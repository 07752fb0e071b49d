/**
 * What Strombus holds to against peers that mean harm, rule by rule, and the attacks on other products that each rule
 * answers. A test of this folder names its rule at the start of its title (`K3: ...`), and an attack by its number;
 * rules.test.ts sees to it that none is left without.
 */

/** In a sentence each; R is the reactor, T the transport, K key exchange, A login, C channels, S sessions, D the codec. */
export const RULES: Readonly<Record<string, string>> = {
  R1: "What application code throws ends its own channel or connection and nothing else.",
  R2: "No emitter is without its listener for errors and no promise without somebody who hears of its failure.",
  R3: "A deadline counts from the accept, and nothing that a peer sends moves it.",
  R4: "A deadline that passes closes as anything else does.",
  R5: "Strangers are bounded in number, in all and from each source, and turned away by chance before all is full.",
  R6: "A source that misbehaves is kept out for a time that grows, in a table that cannot grow.",
  R7: "A peer that does not read is not read from, and is given up when it takes nothing for long.",
  R8: "A connection that ends tells so once, in bounded time, and leaves nothing behind.",
  R9: "No peer keeps the process busy for long, and costly work stands in a bounded queue.",
  R10: "A listener outlives failed accepts, and stopping tells the peers before it cuts them.",
  R11: "Bytes that are kept are copies, and secrets are overwritten after use.",
  R12: "Names that a peer chose are looked up in maps, never as properties.",

  T1: "A version line has a form, a length and a place, and is hashed as it came.",
  T2: "The length of a packet is checked before anything is done about it.",
  T3: "After a packet that cannot be opened no other one is looked at.",
  T4: "One table says which message may come when and from whom.",
  T5: "Login and connection messages that come too early close.",
  T6: "An unknown message is answered with its own packet's number.",
  T7: "A message is whole, to its last byte, or it closes; counts in it size nothing.",
  T8: "There is no compression unless it is asked for, and what is decompressed is bounded.",
  T9: "Before login a peer may send so much and no more.",
  T10: "IGNORE and DEBUG change nothing, and after a DISCONNECT there is silence.",
  T11: "EXT_INFO is heard in its places only, and is bounded.",
  T12: "A ping is answered after login and nowhere else.",
  T13: "We send what we would accept.",

  K1: "Strict key exchange is offered, read in the first offer alone, and admits nothing but the exchange.",
  K2: "Under strict rules new keys number the packets from 0 again.",
  K3: "Every message of an exchange comes once, in its order and from its role.",
  K4: "Between a peer's offer and its new keys it sends nothing else.",
  K5: "What we owe in the meantime waits in order, and not without bound.",
  K6: "Names are short and printable, the client's order decides, and markers are no algorithms.",
  K7: "A wrong guess costs one message.",
  K8: "A public value has its exact form before anything is computed from it.",
  K9: "Numbers in an exchange are positive and as short as they can be.",
  K10: "The session keeps the identifier of its first exchange.",
  K11: "New keys come into force one direction at a time, all at once, from copies of our own.",
  K12: "A group that is exchanged has a size that is neither small nor huge, and a generator that is one.",
  K13: "Nothing is signed for a value that is not good, and a signer that fails ends the connection.",
  K14: "Keys are renewed by bytes, packets and time; a stranger may ask for few of them, a user for many.",
  K15: "A rekey changes keys and nothing else.",

  A1: "Login begins on an encrypted connection, and asking for it again resets nothing.",
  A2: "There is one success, and nobody becomes somebody else after it.",
  A3: "One request is in hand at a time; pipelining buys no guesses.",
  A4: "A login is a success of the right type and nothing that looks like one.",
  A5: "To ask about a key is not to have it.",
  A6: "What a signature covers is put together by us.",
  A7: "The names in a key, its signature and its request agree, and are on the list.",
  A8: "Weak keys and weak signatures are none.",
  A9: "Half a login is of one user and one service, and permits nothing.",
  A10: "No method logs in that nobody registered.",
  A11: "Attempts of every kind are counted for the connection, whoever they name.",
  A12: "A user that does not exist looks like one that does.",
  A13: "Passwords are bounded and come encrypted; to change one is not to log in.",
  A14: "There are as many answers as questions, and one dialogue is one dialogue.",
  A15: "Every restriction holds for every method, and one that nobody knows refuses.",
  A16: "A line of authorized_keys that cannot be read gives no key.",
  A17: "A user's name is valid text of bounded length, and never a path or a query.",
  A18: "Every avatar is logged out once.",

  C1: "Messages for a channel that is not open close the connection.",
  C2: "A channel is decided on once, and replies that nobody asked for do no harm.",
  C3: "Windows and packets of impossible sizes are refused.",
  C4: "The window that we gave is enforced, and the peer's is waited for.",
  C5: "The end of data is not the end of the channel, and a close is answered once.",
  C6: "Replies come in the order of their requests.",
  C7: "Channels and all that waits on them are bounded.",
  C8: "Names match exactly what was registered.",
  C9: "Nothing is forwarded that no policy allows, and listeners end with their connection.",
  C10: "Peers that are gone are noticed, and connections that nobody uses may be ended.",

  S1: "Only listed variables reach the environment, and not many.",
  S2: "A session runs one thing once, and a terminal of any size harms nothing.",
  S3: "No shell gets a text that a peer put together, and a forced command is what runs.",
  S4: "The end of a channel ends its processes, and that of a process is told in order.",
  S5: "A root for files holds for every path, links included.",
  S6: "File handles belong to their channel, and are bounded.",
  S7: "A file that comes has the name and the mode that were asked for.",

  CL1: "No secret leaves before the host is known.",
  CL2: "The host signs by what was negotiated, and shows the same key ever after.",
  CL3: "A client accepts only what it asked for.",
  CL4: "A client signs with nothing weak, and shows a server's text harmless.",
  CL5: "What an agent says is bounded, and what ours signs is a matter of policy.",
  CL6: "Names of users and hosts reach no shell, and files that are read are bounded.",

  L1: "Text from a peer is cut and escaped in the log.",
  L2: "Secrets are never logged, and peers are not told why.",
  L3: "Every login is one event, whether it succeeds or fails.",
  L4: "A peer cannot flood the log.",

  D1: "What ssh2's codec does not check is checked by us, and after an error it is fed no more.",
  D2: "What ssh2 does badly is not taken from it.",
  D3: "Keys are parsed and signatures verified by us, and an answer is true or it is not.",
  D4: "Key files are bounded before they are parsed.",
};

export interface Attack {
  /** What had it. */
  readonly product: string;
  /** What it was, in a few words. */
  readonly what: string;
  readonly rule: string;
}

const attack = (rule: string, product: string, what: string): Attack => ({ rule, product, what });

/** "an SSH library": an advisory that we know by its number and its rule alone. */
export const ATTACKS: Readonly<Record<string, Attack>> = {
  "CVE-2020-29652": attack("R1", "Go", "a login request made the server dereference nothing"),
  "CVE-2021-43565": attack("T2", "Go", "an empty payload made the process panic"),
  "CVE-2022-27191": attack("R1", "Go", "a login by a key that signs otherwise made the server panic"),
  "CVE-2024-6387": attack("R4", "OpenSSH", "a missed login deadline ran unsafe code in a signal handler"),
  "CVE-2025-26466": attack("R7", "OpenSSH", "pings during the exchange piled up pongs without bound"),
  "CVE-2016-6515": attack("R9", "OpenSSH", "passwords of any length were hashed"),
  "CVE-2002-20001": attack("R9", "many", "cheap values made the server compute Diffie-Hellman again and again"),

  "CVE-2022-21716": attack("T1", "Twisted", "a version line without an end was collected for ever"),
  "CVE-2026-48108": attack("T1", "russh", "a server took any number of lines before a client's version"),
  "CVE-2018-10933": attack("T4", "libssh", "a client that said SUCCESS was logged in"),
  "CVE-2018-7750": attack("T4", "Paramiko", "a server opened channels before the login"),
  "CVE-2018-1000805": attack("T4", "Paramiko", "a server took a server's SUCCESS from its client"),
  "CVE-2018-7749": attack("T4", "AsyncSSH", "a server opened channels before the login"),
  "CVE-2025-32433": attack("T5", "Erlang/OTP", "channel requests before the login ran code"),
  "CVE-2023-46446": attack("T5", "AsyncSSH", "a login slipped in before the keys took over the session"),
  "CVE-2026-55199": attack("T7", "libssh2", "a count of extensions that lied kept the client busy"),
  "CVE-2026-42189": attack("T7", "russh", "a count of answers that lied allocated gigabytes"),
  "CVE-2026-23943": attack("T8", "Erlang/OTP", "compressed packets grew without bound before the login"),
  "CVE-2026-46702": attack("T8", "russh", "a small compressed packet became a huge one"),
  "CVE-2023-46445": attack("T11", "AsyncSSH", "EXT_INFO slipped in before the keys was believed"),

  "CVE-2023-48795": attack("K1", "nearly all", "Terrapin: a message slipped in and one cut off went unnoticed"),
  "CVE-2025-8277": attack("K3", "libssh", "repeated exchanges with wrong guesses filled the memory"),
  "CVE-2025-22869": attack("K5", "Go", "a peer that never finished its exchange filled the memory"),
  "CVE-2023-1667": attack("K7", "libssh", "a guess that was announced broke a rekey"),
  "CVE-2026-59842": attack("K8", "an SSH library", "a public value of the wrong length was put to use"),
  "CVE-2021-3634": attack("K10", "libssh", "a rekey with a longer hash overran the session identifier"),

  "CVE-2023-2283": attack("A4", "libssh", "an error while verifying counted as success"),
  "CVE-2024-45337": attack("A5", "Go", "the key asked about last stood for the one that signed"),
  "CVE-2026-35387": attack("A7", "OpenSSH", "one ECDSA algorithm on the list admitted all"),
  "CVE-2020-9283": attack("A8", "Go", "an Ed25519 key of the wrong length made the process panic"),
  "CVE-2026-39829": attack("A8", "Go", "RSA and DSA parameters of any size kept verification busy"),
  "CVE-2026-39831": attack("A8", "Go", "a security key's signature counted without a touch"),
  "CVE-2026-39828": attack("A9", "Go", "a partial success lost the restrictions of a certificate"),
  "CVE-2016-6210": attack("A12", "OpenSSH", "long passwords told by time which users exist"),
  "CVE-2018-15473": attack("A12", "OpenSSH", "malformed requests told which users exist"),
  "CVE-2018-15919": attack("A12", "OpenSSH", "GSSAPI told which users exist"),
  "CVE-2012-5975": attack("A13", "Tectia", "the request to change a password logged in"),
  "CVE-2015-5600": attack("A14", "OpenSSH", "one request asked for thousands of dialogues"),
  "CVE-2026-46595": attack("A15", "Go", "the source address was not checked for every method"),
  "CVE-2026-35414": attack("A15", "OpenSSH", "a principal with a comma matched others"),

  "CVE-2026-39830": attack("C2", "Go", "replies that nobody asked for stopped the connection"),
  "CVE-2026-59843": attack("C3", "an SSH library", "a maximum packet of 0 looped for ever"),
  "CVE-2026-39834": attack("C3", "Go", "a write past 4 GiB sent empty packets for ever"),
  "CVE-2025-54804": attack("C3", "russh", "a window that overflowed made the process panic"),
  "CVE-2025-14282": attack("C9", "Dropbear", "forwarded UNIX sockets were opened as root"),

  "CVE-2024-39930": attack("S1", "Gogs", "an environment variable became an option of a command"),
  "CVE-2024-41956": attack("S1", "Soft Serve", "environment variables ran code through git"),
  "CVE-2023-35887": attack("S5", "Apache MINA SSHD", "paths told of files outside the root"),
  "CVE-2026-23942": attack("S5", "Erlang/OTP", "a root was compared as text, not by component"),
  "CVE-2025-48041": attack("S6", "Erlang/OTP", "file handles were not bounded"),
  "CVE-2026-59844": attack("S6", "an SSH library", "the size of an SFTP packet was not bounded"),
  "CVE-2019-6111": attack("S7", "OpenSSH", "a server sent other files than were asked for"),
  "CVE-2018-20685": attack("S7", "OpenSSH", "a file named . changed the mode of the folder"),
  "CVE-2026-0964": attack("S7", "libssh", "a name in SCP led out of the folder"),
  "CVE-2026-35385": attack("S7", "OpenSSH", "files came with setuid bits"),

  "CVE-2025-26465": attack("CL1", "OpenSSH", "an error while verifying the host counted as success"),
  "CVE-2021-36369": attack("CL3", "Dropbear", "a login without proof went unnoticed"),
  "CVE-2021-36367": attack("CL3", "PuTTY", "a login without proof let the server ask in its own name"),
  "CVE-2023-38408": attack("CL5", "OpenSSH", "a forwarded agent loaded libraries"),
  "CVE-2025-47913": attack("CL5", "Go", "an agent's reply of the wrong type made the client panic"),
  "CVE-2025-47914": attack("CL5", "Go", "an agent's message of the wrong length made the process panic"),
  "CVE-2023-51385": attack("CL6", "OpenSSH", "a host's or user's name reached a shell"),
  "CVE-2020-26301": attack("CL6", "ssh2", "an option reached a shell"),
};

/** Rules of what is not built; their attacks wait with them. */
export const NOT_BUILT: readonly string[] = [];
