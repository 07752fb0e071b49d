/** Talks to tls-server. node tls-client.js [PORT [FILE]], a PEM file with the authority to trust */
import { readFileSync } from "node:fs";
import { reactor } from "@strombus/reactor";
import { Certificate, optionsForClientTLS, trustRootFromCertificates } from "@strombus/reactor/ssl";
import { readWords } from "../words.js";
import { EchoClientFactory } from "./client.js";

const [port = "8004", file = "authority.pem"] = readWords("[PORT [FILE]]");
const trustRoot = trustRootFromCertificates([Certificate.loadPEM(readFileSync(file))]);
reactor.connectSSL("localhost", Number(port), new EchoClientFactory(), optionsForClientTLS("localhost", { trustRoot }));
await reactor.run();
