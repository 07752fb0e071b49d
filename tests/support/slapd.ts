/** A directory server of one's own: a new database in a temporary folder, run by a user who is not root. */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "./folder.js";
import { needed } from "./needed.js";
import { accepting, freePort } from "./ports.js";
import { Program } from "./program.js";

export const SUFFIX = "dc=example,dc=com";

export class Slapd {
  #server: Program | null = null;

  private constructor(
    readonly folder: string,
    readonly port: number,
    readonly securePort: number,
  ) {}

  /** With `ldap:`, where StartTLS is offered. */
  get url(): string {
    return `ldap://127.0.0.1:${this.port}`;
  }

  /** With `ldaps:`. */
  get secureURL(): string {
    return `ldaps://127.0.0.1:${this.securePort}`;
  }

  /** The certificate of the server, and of who made it. */
  get certificate(): string {
    return join(this.folder, "certificate.pem");
  }

  /** Makes a database of these entries, in LDIF, below the suffix; `cn=admin` may search, as may everybody. */
  static async start(entries: string): Promise<Slapd> {
    const folder = temporaryFolder();
    const slapd = new Slapd(folder, await freePort(), await freePort());
    mkdirSync(join(folder, "data"));
    makeCertificate(folder);
    writeFileSync(join(folder, "slapd.conf"), configuration(folder));
    writeFileSync(join(folder, "entries.ldif"), `${TOP}\n${entries}`);
    execFileSync(needed("slapadd"), ["-f", join(folder, "slapd.conf"), "-l", join(folder, "entries.ldif")]);
    if (process.getuid!() === 0) execFileSync("chown", ["-R", "openldap:openldap", folder]);
    await slapd.restart();
    return slapd;
  }

  async restart(): Promise<void> {
    const user = process.getuid!() === 0 ? ["-u", "openldap", "-g", "openldap"] : [];
    const configured = ["-f", join(this.folder, "slapd.conf"), "-h", `${this.url} ${this.secureURL}`];
    this.#server = new Program([needed("slapd"), "-d", "none", ...user, ...configured]);
    await this.#server.stderr.until("slapd starting");
    await accepting(this.port); // it says so before it listens
    await accepting(this.securePort);
  }

  async stop(): Promise<void> {
    await this.#server?.kill("SIGKILL");
    this.#server = null;
  }

  /** Keeps it from answering, until `resume`. */
  async pause(): Promise<void> {
    await this.#server?.pause();
  }

  resume(): void {
    this.#server?.signal("SIGCONT");
  }
}

const TOP = `dn: ${SUFFIX}
objectClass: dcObject
objectClass: organization
o: Example
dc: example

dn: ou=people,${SUFFIX}
objectClass: organizationalUnit
ou: people
`;

function configuration(folder: string): string {
  return `
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile ${join(folder, "slapd.pid")}
TLSCertificateFile ${join(folder, "certificate.pem")}
TLSCertificateKeyFile ${join(folder, "key.pem")}
allow bind_anon_cred
database mdb
suffix "${SUFFIX}"
rootdn "cn=admin,${SUFFIX}"
rootpw admin
directory ${join(folder, "data")}
access to attrs=userPassword by anonymous auth by * none
access to * by * read
`;
}

function makeCertificate(folder: string): void {
  const files = ["-keyout", join(folder, "key.pem"), "-out", join(folder, "certificate.pem")];
  const names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
  const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  execFileSync(needed("openssl"), ["req", "-x509", ...kind, ...names, ...files], { stdio: "pipe" });
}
