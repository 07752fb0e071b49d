/** The example with a dashboard, as OpenSSH and a browser see it. */
import { request } from "node:http";
import { expect, onTestFinished, test } from "vitest";
import { startExample } from "../support/example.js";
import { logIn } from "../support/login.js";
import { openSSH, ssh } from "../support/openssh.js";

const client = openSSH();

test("the dashboard shows who is there, counts for Prometheus, and escapes what peers wrote", async () => {
  const { program, port } = await startExample("dashboard", { env: { DASHBOARD_PORT: "0" } });
  onTestFinished(() => program.kill().then(() => undefined));
  const [, url] = /The dashboard is at (http:\S+)\.\n/.exec(program.stdout.text)!;

  const session = ssh(client, { port, options: ["-tt"] });
  session.type("hello\r");
  await session.stdout.until("hello");
  // OpenSSH's client sends no such name; others do.
  const evil = logIn({ port, user: `<script>alert(1)</script>&"'`, secret: "wrong" });
  await expect(evil).rejects.toThrow();

  const metrics = await (await fetch(`${url}metrics`)).text();
  expect(metrics).toContain("strombus_ssh_connections_open 1\n");
  expect(metrics).toContain('strombus_ssh_logins_total{method="password",outcome="accepted"} 1\n');
  expect(metrics).toMatch(/strombus_ssh_logins_total\{method="password",outcome="refused"\} [1-9]/);
  expect(metrics).toContain('strombus_ssh_sessions_open{kind="shell"} 1\n');
  expect(metrics).not.toContain("script");

  const answer = await fetch(url!);
  expect(answer.headers.get("content-security-policy")).toMatch(/^default-src 'none'; style-src 'sha256-[^']+';/);
  const page = await answer.text();
  expect(page).toContain("<dt>Connections open</dt><dd>1</dd>");
  expect(page).toContain("<td>&lt;script&gt;alert(1)&lt;/script&gt;&amp;&quot;&#39;</td>");
  expect(page).not.toMatch(/<script/i);
  expect(page).toMatch(/<td>[0-9a-f]{32}<\/td>/); // its HASSH
  expect(await statusFor(url!, "evil.example")).toBe(403);

  await session.kill();
});

function statusFor(url: string, host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request(url, { headers: { host } }, (response) => resolve(response.resume().statusCode))
      .on("error", reject)
      .end();
  });
}
