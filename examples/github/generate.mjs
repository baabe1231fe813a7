// Makes github.rules and requests.jsonl from the description of GitHub's REST API that GitHub publishes in the npm
// package @octokit/openapi (MIT licence, copyright Octokit contributors). Needs node and npm:
//
//     node examples/github/generate.mjs
//
// The output is committed, so that nobody needs to run this; the same package version gives the same bytes.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const PACKAGE = "@octokit/openapi@23.0.2";
const here = dirname(fileURLToPath(import.meta.url));

function fetchDescription() {
  const folder = mkdtempSync(join(tmpdir(), "octokit-"));
  try {
    const archive = execFileSync("npm", ["pack", "--silent", PACKAGE], { cwd: folder, encoding: "utf8" }).trim();
    execFileSync("tar", ["xzf", archive, "package/generated/api.github.com.json"], { cwd: folder });
    return JSON.parse(readFileSync(join(folder, "package/generated/api.github.com.json"), "utf8"));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const METHODS = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];
const snake = (text) => text.replace(/[^0-9A-Za-z]+/g, "_").replace(/^_|_$/g, "").toLowerCase();

// `{path}` of a repository's contents is documented to hold slashes.
// A segment such as `{base}...{head}` is one capture that must match an expression.
const isMixed = (text) => text.includes("{") && !/^\{[^}]+\}$/.test(text);
const capture = (text) => (text.includes("{") ? `{${snake(text)}}` : text);
const pattern = (path) =>
  path.endsWith("/contents/{path}")
    ? path.split("/").slice(0, -1).map(capture).join("/") + "/{path: **}"
    : path.split("/").map(capture).join("/");
const expression = (text) => text.replace(/[.]/g, "\\.").replace(/\{[^}]+\}/g, ".+");
const conditions = (path) =>
  path.split("/").filter(isMixed).map((text) => `\n    when ${snake(text)} matches re"${expression(text)}"`).join("");

// Literal segments come before captures, and those that must match more before those that match all, so that the first rule that matches is the most specific one.
function order(a, b) {
  const [left, right] = [a.path.split("/"), b.path.split("/")];
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const [x, y] = [left[i], right[i]];
    if (x === y) continue;
    const rank = (text) => (isMixed(text) ? 1 : text.includes("{") ? 2 : 0);
    if (rank(x) !== rank(y)) return rank(x) - rank(y);
    if (rank(x) === 0) return x < y ? -1 : 1;
  }
  return left.length - right.length || METHODS.indexOf(a.method) - METHODS.indexOf(b.method);
}

const description = fetchDescription();
const operations = [];
for (const [path, item] of Object.entries(description.paths)) {
  for (const method of METHODS) {
    if (!item[method]) continue;
    const id = item[method].operationId;
    operations.push({ method, path, id, name: snake(id), service: snake(id.split("/")[0]) });
  }
}
operations.sort(order);
const services = [...new Set(operations.map((o) => o.service))].sort();

// As `tollgate fmt` lays it out: as many names on a line as 120 columns take, a comma between two of a line.
const filled = (names) =>
  names.reduce((lines, name) => {
    const longer = `${lines.at(-1)}, ${name}`;
    return lines.length && longer.length <= 120 ? [...lines.slice(0, -1), longer] : [...lines, `  ${name}`];
  }, []).join("\n");

const rules = operations.map(
  (o) =>
    `  rule ${o.name} "${o.id}"\n    on ${o.method.toUpperCase()} p"${pattern(o.path)}"${conditions(o.path)}\n    then forward(${o.service})\n`,
);

writeFileSync(
  join(here, "github.rules"),
  `edition 2026
module examples.github

# Made by generate.mjs from the npm package ${PACKAGE} (MIT licence, copyright Octokit contributors).
# ${operations.length} operations on ${new Set(operations.map((o) => o.path)).size} paths.

use std.http.{Request}

## The services behind the gateway: one for each family of operations.
enum Service {
${filled(services)}
}

enum Route {
  forward(service: Service)
  respond(status: Int in 100 .. 599)
}

## Every operation of GitHub's REST API, routed to the service that owns it.
ruleset route(req: Request) -> Route hit first {
${rules.join("\n")}
  otherwise respond(404)
}

test "the most specific path decides" {
  expect route(Request(method: GET, path: "/repos/octocat/hello/releases/latest")) == forward(repos)
    by repos_get_latest_release
  expect route(Request(method: GET, path: "/repos/octocat/hello/releases/7")) == forward(repos) by repos_get_release
  expect route(Request(method: GET, path: "/repos/octocat/hello/contents/src/main.rs")) is forward(repos)
    by repos_get_content
  expect route(Request(method: PATCH, path: "/zen")) == respond(404) by otherwise
}
`,
);

// One request an operation. Values are made from the operation's place, so that none is a literal of another path.
const requests = operations.map((o, i) => {
  let n = 0;
  const path = o.path
    .replace(/\/contents\/\{path\}$/, `/contents/src/x${i}/main.rs`)
    .replace(/\{[^}]+\}/g, () => `x${i}-${n++}`);
  return JSON.stringify({ id: o.id, method: o.method.toUpperCase(), host: "api.github.com", path, client: { ip: "192.0.2.7" } });
});
writeFileSync(join(here, "requests.jsonl"), requests.join("\n") + "\n");
console.log(`${operations.length} operations, ${services.length} services`);
