// The official TypeScript client before a server that Countersign protects.
//
//     node client.mjs URL TOKEN KEY_FILE
//
// TOKEN is a file with a sealed token, KEY_FILE one with the holder's key as `cs_sk_…`. It prints one JSON object: what
// the server showed and answered, and how it refused what it has to refuse. Whether that is right the caller judges.

import { readFileSync } from "node:fs";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport, StreamableHTTPError } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { holderKey, signingFetch } from "./signing-fetch.mjs";

const LIST_EVENTS = { name: "list_events", arguments: { day: "2026-11-24" } };
const SEND_EMAIL = { name: "send_email", arguments: { to: "eve@example.com" } };

const isCall = (init) => init.body !== undefined && JSON.parse(init.body).method === "tools/call";

// Somebody on the way, who has the tool's name changed in a message that is signed already.
function moved(url, init) {
  if (!isCall(init)) return fetch(url, init);
  const body = init.body.toString().replace('"name":"list_events"', '"name":"send_email"');
  if (body === init.body.toString()) throw new Error("nothing to change in the body");
  return fetch(url, { ...init, body });
}

// Somebody on the way, who sends a signed message a second time. The answer is the second one's.
async function replayed(url, init) {
  const first = await fetch(url, init);
  if (!isCall(init) || !first.ok) return first;
  await first.arrayBuffer();
  return fetch(url, init);
}

// A client of the SDK, and the last refusal that its transport got: the SDK tells the status, and not the challenge.
async function connected({ url, token, key }, way = fetch) {
  const seen = {};
  const send = async (to, init) => {
    const response = await way(to, init);
    const challenge = response.headers.get("www-authenticate") ?? "";
    if (!response.ok && init.method === "POST") seen.class = /\bCountersign error="([^"]*)"/.exec(challenge)?.[1] ?? null;
    return response;
  };
  const client = new Client({ name: "countersign-test", version: "0.0.0" });
  const signing = signingFetch({ origin: url.origin, token, key, send });
  await client.connect(new StreamableHTTPClientTransport(url, { fetch: signing }));
  return { client, seen };
}

async function call({ client, seen }, tool) {
  try {
    const { content } = await client.callTool(tool);
    return { refused: false, text: content[0]?.text };
  } catch (error) {
    if (!(error instanceof StreamableHTTPError)) throw error;
    return { refused: true, status: error.code, class: seen.class };
  }
}

async function main([url, tokenFile, keyFile]) {
  if (keyFile === undefined) throw new Error("usage: node client.mjs URL TOKEN KEY_FILE");
  const text = (file) => readFileSync(file, "utf8").trim();
  const as = { url: new URL(url), token: text(tokenFile), key: holderKey(text(keyFile)) };

  const plain = await connected(as);
  const { tools } = await plain.client.listTools();
  const listed = await call(plain, LIST_EVENTS);
  const emailed = await call(plain, SEND_EMAIL);
  const ways = {};
  const opened = [plain];
  for (const way of [moved, replayed]) {
    opened.push(await connected(as, way));
    ways[way.name] = await call(opened.at(-1), LIST_EVENTS);
  }
  for (const { client } of opened) await client.close();
  const names = tools.map(({ name }) => name);
  console.log(JSON.stringify({ tools: names, list_events: listed.text ?? listed, send_email: emailed, ...ways }));
}

main(process.argv.slice(2)).catch((error) => {
  const cause = error.cause?.message || error.cause?.code;
  console.error(`client.mjs: ${error.message}${cause ? `: ${cause}` : ""}`);
  process.exit(1); // a stream may be open
});
