// A `fetch` that signs what it sends, by spec/request.md of this repository. Nothing but Node's own modules.

import { createHash, createPrivateKey, createPublicKey, randomBytes, sign } from "node:crypto";

const sha256 = (bytes, encoding) => createHash("sha256").update(bytes).digest(encoding);

// What connections and relays need, add or change: it is sent, and not signed.
const UNCOVERED = new Set([
  "accept-encoding", "baggage", "connection", "content-length", "expect", "host", "keep-alive", "proxy-connection", "signature",
  "signature-input", "te", "traceparent", "tracestate", "trailer", "transfer-encoding", "upgrade", "user-agent", "via",
]);

// An Ed25519 key from its text form, `cs_sk_` and the seed in base64url; and its id, the thumbprint of RFC 7638.
export function holderKey(text) {
  const seed = Buffer.from(text.replace(/^cs_sk_/, ""), "base64url");
  if (text !== `cs_sk_${seed.toString("base64url")}` || seed.length !== 32) throw new TypeError("not a key's text");
  const prefix = Buffer.from("302e020100300506032b657004220420", "hex"); // PKCS#8 up to the seed (RFC 8410)
  const secret = createPrivateKey({ key: Buffer.concat([prefix, seed]), format: "der", type: "pkcs8" });
  const { x } = createPublicKey(secret).export({ format: "jwk" });
  return { secret, id: sha256(`{"crv":"Ed25519","kty":"OKP","x":"${x}"}`, "base64url") };
}

// The token goes to `origin` alone. `send` gets what is to be sent, signed: a URL, and an init whose body is bytes.
export function signingFetch({ origin, token, key, send = fetch }) {
  return async (input, init = {}) => {
    // A Request settles what fetch would: the method's case, one value for each field, a default type, the body's bytes.
    const request = new Request(input, init);
    const url = new URL(request.url);
    if (url.origin !== origin) throw new TypeError("the token is for another origin");
    const body = Buffer.from(await request.arrayBuffer());
    const headers = new Headers(request.headers);
    if (headers.has("authorization")) throw new TypeError("the token's place is taken");
    headers.set("authorization", `Countersign ${token}`);
    if (body.length > 0) {
      headers.set("content-digest", `sha-256=:${sha256(body, "base64")}:`);
      if (!headers.has("content-type")) headers.set("content-type", "application/octet-stream");
    }

    // Lower-case names; values trimmed, and joined by a comma and a space where there were several.
    const fields = [...headers].filter(([name]) => !UNCOVERED.has(name));
    if (fields.some(([, value]) => !/^[\t\x20-\x7e]*$/.test(value))) throw new TypeError("a field that is not ASCII");
    const components = [
      ["@method", request.method],
      ["@authority", url.host], // in lower case, without the scheme's default port
      ["@path", url.pathname],
      ["@query", url.search || "?"],
      ...fields,
    ];
    const created = Math.floor(Date.now() / 1000);
    const parameters =
      `(${components.map(([name]) => `"${name}"`).join(" ")});created=${created};expires=${created + 60}` +
      `;nonce="${randomBytes(16).toString("base64url")}";keyid="${key.id}";tag="countersign-request-v1"`;
    const lines = [...components.map(([name, value]) => `"${name}": ${value}`), `"@signature-params": ${parameters}`];
    headers.set("signature-input", `countersign=${parameters}`);
    headers.set("signature", `countersign=:${sign(null, Buffer.from(lines.join("\n")), key.secret).toString("base64")}:`);

    // A redirect is answered by whoever follows it, with a request that is signed anew.
    const { method } = request;
    const signal = init.signal ?? request.signal;
    return send(url, { method, headers, body: body.length > 0 ? body : undefined, redirect: "manual", signal });
  };
}
