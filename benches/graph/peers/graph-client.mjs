// The JavaScript client at the tasks of the benchmark: graph-client.mjs <task> <base> <number>.
// Needs `npm install @microsoft/microsoft-graph-client isomorphic-fetch`.
import "isomorphic-fetch";
import { createRequire } from "node:module";

const { Client } = createRequire(import.meta.url)("@microsoft/microsoft-graph-client");
const [task, base, number] = [process.argv[2], process.argv[3], Number(process.argv[4])];
const began = performance.now();
const client = Client.init({
  baseUrl: base,
  defaultVersion: "v1.0",
  customHosts: new Set([new URL(base).hostname]),
  authProvider: (done) => done(null, "token"),
});

// It takes a link over plain http for a path, so the pages are followed by hand.
async function list() {
  let count = 0;
  let path = "/users?$select=id,userPrincipalName,displayName,mail,accountEnabled&$top=999";
  while (path) {
    const page = await client.api(path).get();
    count += page.value.length;
    const link = page["@odata.nextLink"];
    path = link && link.slice(link.indexOf("/v1.0") + 5);
  }
  return count;
}

// Twenty at a time, four batches at a time; nothing looks at refused items a second time.
async function update() {
  const chunks = [];
  for (let at = 0; at < number; at += 20) {
    chunks.push(Array.from({ length: Math.min(20, number - at) }, (_, n) => at + n));
  }
  let applied = 0;
  const worker = async () => {
    for (let chunk = chunks.shift(); chunk; chunk = chunks.shift()) {
      const requests = chunk.map((n) => ({
        id: String(n), method: "PATCH", url: `/users/${n}`,
        headers: { "Content-Type": "application/json" }, body: { accountEnabled: true },
      }));
      const reply = await client.api("/$batch").post({ requests });
      applied += reply.responses.filter((answer) => answer.status === 204).length;
    }
  };
  await Promise.all([worker(), worker(), worker(), worker()]);
  return applied;
}

const count = await (task === "list" ? list() : update());
const usage = process.resourceUsage();
console.log(JSON.stringify({
  count,
  cpu_seconds: (usage.userCPUTime + usage.systemCPUTime) / 1e6,
  wall_seconds: (performance.now() - began) / 1000,
  peak_mb: usage.maxRSS / 1024,
}));
