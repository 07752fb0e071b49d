/** An echo server under TLS. node tls-server.js [PORT [FILE]], a PEM file with certificate and key */
import { readFileSync } from "node:fs";
import { reactor } from "@strombus/reactor";
import { Factory } from "@strombus/reactor/protocol";
import { Echo } from "@strombus/reactor/protocols/wire";
import { PrivateCertificate } from "@strombus/reactor/ssl";
import { announce } from "../announce.js";
import { readWords } from "../words.js";

const [port = "8004", file = "server.pem"] = readWords("[PORT [FILE]]");
const certificate = PrivateCertificate.loadPEM(readFileSync(file));
announce(reactor.listenSSL(Number(port), Factory.forProtocol(Echo), certificate.options()));
await reactor.run();
