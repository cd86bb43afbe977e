// The signed JSON-RPC message and MCP (jsonrpc.md).

import { Denial, Misuse, decodeB64u, decodeUtf8, demand, denies, encodeUtf8 } from './util.mjs';
import { integer, jcs, member, parseJson, shaped } from './json.mjs';
import { verify } from './ed25519.mjs';
import { MAX_TEXT } from './token.mjs';
import { isResource, isSegment, parseMediaType } from './operation.mjs';
import { readMessage, splitTarget, valueOf } from './message.mjs';
import { isNonce, windowHolds } from './request.mjs';
import { Stores } from './approvals.mjs';
import { MIB, authorize, checkToken, decide, holderKey, makeContext, readSealed, readStrictBody, verifyRequest } from './verify.mjs';

/**
 * @typedef {import('./json.mjs').Json} Json
 * @typedef {import('./token.mjs').Token} Token
 * @typedef {import('./verify.mjs').Context} Context
 * @typedef {import('./verify.mjs').Asked} Asked
 * @typedef {{method: string, params: Json|undefined}} Call
 * @typedef {{token: string, service: string, created: bigint, expires: bigint, nonce: string, keyid: string, sig: Buffer}} Envelope
 */

const ENVELOPE = 'dev.countersign/request';
/** Of the envelope. */
const MEMBERS = {
  ...{ v: 'integer', token: 'string', service: 'string', created: 'integer', expires: 'integer', nonce: 'string', keyid: 'string', sig: 'string' },
};
/** Members of `_meta` that relays change. */
const UNCOVERED = ['progressToken', 'traceparent', 'tracestate', 'baggage'];
/** JR-23. */
const IDLE = new Set([
  ...['initialize', 'ping', 'server/discover', 'tools/list', 'resources/list', 'resources/templates/list', 'prompts/list'],
  ...['notifications/initialized', 'notifications/cancelled', 'notifications/progress', 'notifications/roots/list_changed'],
]);

/** JR-3 and JR-4. @param {Json} json @param {number} stage @returns {Call} */
function readCall(json, stage) {
  demand(json.t !== 'arr', stage, 'batch_rejected'); // JR-3
  if (json.t !== 'obj') throw new Denial(stage, 'body_ambiguous', 'no object'); // JR-4
  const known = json.members.every(([name]) => ['jsonrpc', 'method', 'id', 'params'].includes(name));
  const [version, method, id, params] = ['jsonrpc', 'method', 'id', 'params'].map((name) => member(json, name));
  const shaped =
    known && version?.t === 'str' && version.v === '2.0' && method?.t === 'str' &&
    (id === undefined || id.t === 'str' || integer(id) !== undefined) &&
    (params === undefined || params.t === 'obj');
  demand(shaped, stage, 'body_ambiguous', 'no request'); // JR-4
  return { method: method?.t === 'str' ? method.v : '', params };
}

/** @param {Call} call @returns {Json|undefined} */
const envelopeOf = ({ params }) => member(member(params, '_meta'), ENVELOPE);

/** JR-5. @param {Json|undefined} envelope */
function checkTokenLength(envelope) {
  const token = member(envelope, 'token');
  demand(token?.t !== 'str' || token.v.length <= MAX_TEXT, 1, 'limit_exceeded', 'token');
}

/** JR-6 to JR-11. @param {Json|undefined} envelope @param {bigint} now @returns {Envelope} */
function readEnvelope(envelope, now) {
  if (!envelope) throw new Denial(3, 'signature_required'); // JR-7
  if (envelope.t !== 'obj') throw new Denial(3, 'params_invalid', 'envelope'); // JR-9
  const held = member(envelope, 'token');
  demand(held && !(held.t === 'str' && held.v === ''), 2, 'token_missing'); // JR-6
  for (const name of Object.keys(MEMBERS)) demand(member(envelope, name), 3, 'params_incomplete', name); // JR-8
  const values = shaped(envelope, MEMBERS);
  const sig = values && decodeB64u(values.sig);
  if (!sig || values.v !== 1n || !isNonce(values.nonce)) throw new Denial(3, 'params_invalid'); // JR-9, JR-10
  demand(windowHolds(values.created, values.expires, now), 3, 'window_invalid'); // JR-11
  return { ...values, sig };
}

/** An object but for some members. @param {Json} json @param {string[]} names @returns {Json} */
const without = (json, names) => (json.t === 'obj' ? { t: 'obj', members: json.members.filter(([name]) => !names.includes(name)) } : json);

/** A value with one member changed, where it has it. @param {Json} json @param {string} name @param {(value: Json) => Json} change @returns {Json} */
const changed = (json, name, change) =>
  json.t === 'obj' ? { t: 'obj', members: json.members.map(([key, value]) => [key, key === name ? change(value) : value]) } : json;

/** "Signed bytes". @param {Call} call @returns {Buffer} */
export function signedBytes({ method, params = { t: 'obj', members: [] } }) {
  const covered = changed(params, '_meta', (meta) => changed(without(meta, UNCOVERED), ENVELOPE, (envelope) => without(envelope, ['sig'])));
  return encodeUtf8(`countersign-jsonrpc-v1\0${jcs({ t: 'obj', members: [['method', { t: 'str', v: method }], ['params', covered]] })}`);
}

/** JR-22. @param {string} uri @returns {string} what stands behind the server's name in the resource */
function resourceOfUri(uri) {
  const found = /^([a-z][a-z0-9+\-.]*):\/\/((?:[a-z0-9][a-z0-9\-._:]*)?)((?:\/.*)?)$/s.exec(uri);
  if (!found) throw new Denial(11, 'resource_invalid', 'uri');
  return `${found[1]}/${found[2] || '-'}${found[3]}`;
}

/** The methods that act on something. */
const KINDS = new Map([
  ['tools/call', { type: 'mcp_tool', action: 'call', named: 'name', given: true }],
  ['resources/read', { type: 'mcp_resource', action: 'read', named: 'uri', given: false }],
  ['prompts/get', { type: 'mcp_prompt', action: 'get', named: 'name', given: true }],
]);

/** JR-40. @param {string} name @param {Json} value */
function isSmall(name, value) {
  if (value.t === 'str') return Buffer.byteLength(value.v) <= 8192;
  return name === 'progressToken' && value.t === 'num' && !value.fraction;
}

/**
 * JR-18 to JR-24, JR-40. @param {Call} call @param {string} server
 * @param {boolean} proof whether the envelope is one @returns {Asked|null} null: it acts on nothing
 */
export function mapCall({ method, params }, server, proof = true) {
  if (IDLE.has(method)) return null; // JR-23
  const kind = KINDS.get(method);
  if (!kind) throw new Denial(11, 'operation_unmapped', 'method'); // JR-24
  const name = member(params, kind.named);
  if (params?.t !== 'obj' || name?.t !== 'str') throw new Denial(11, 'operation_unmapped', kind.named); // JR-18
  const known = [kind.named, '_meta', ...(kind.given ? ['arguments'] : [])];
  demand(params.members.every(([key]) => known.includes(key)), 11, 'operation_unmapped', 'member of params'); // JR-19
  const held = kind.given ? (member(params, 'arguments') ?? { t: 'obj', members: [] }) : null;
  const meta = member(params, '_meta');
  demand((held === null || held.t === 'obj') && (!meta || meta.t === 'obj'), 11, 'body_ambiguous', 'arguments'); // JR-20
  const relayed = meta?.t === 'obj' ? meta.members.filter(([key]) => UNCOVERED.includes(key)) : [];
  demand(relayed.every(([key, value]) => isSmall(key, value)), 11, 'body_ambiguous', 'what relays add'); // JR-40
  if (kind.named === 'name') demand(isSegment(name.v), 11, 'resource_invalid', 'name'); // JR-21
  const resource = method === 'prompts/get' ? name.v : `${server}/${kind.given ? name.v : resourceOfUri(name.v)}`;
  demand(isResource(resource), 11, 'resource_invalid', 'uri'); // VF-25 to VF-28
  const tool = method === 'tools/call' ? name.v : null;
  const operation = { type: kind.type, resource, action: kind.action, tool, row: null, path: [] };
  const shown = meta && without(meta, [...(proof ? [ENVELOPE] : []), ...UNCOVERED]);
  return { operation, json: held, read: true, content: null, meta: shown?.t === 'obj' && shown.members.length ? shown : null };
}

/** All stages for one message. @param {Context} context @param {Buffer} text @param {string} server */
export function verifyMessage(context, text, server) {
  return decide('jsonrpc', (proven) => {
    demand(text.length <= MIB && BigInt(text.length) <= context.maxBody, 1, 'body_too_large'); // JR-1
    const call = readCall(parseJson(text, denies(1, 'body_ambiguous')), 1); // JR-2
    checkTokenLength(envelopeOf(call));
    const envelope = readEnvelope(envelopeOf(call), context.now);
    const token = readSealed(envelope.token);
    const findService = () => {
      demand(context.audiences.includes(envelope.service), 5, 'audience_mismatch'); // JR-12
      return envelope.service;
    };
    const service = checkToken(context, token, findService, envelope.keyid);
    demand(verify(holderKey(token), signedBytes(call), envelope.sig), 8, 'signature_invalid'); // JR-14
    proven(token);
    context.stores.recordNonce(envelope.keyid, envelope.nonce); // JR-15
    const asked = mapCall(call, server);
    return asked && authorize(context, token, service, asked, null, 'jsonrpc', null, null); // JR-16
  });
}

/** What a field says, its base64 form undone; null where it can equal nothing. @param {string} value */
function fieldText(value) {
  const found = /^=\?base64\?(.*)\?=$/s.exec(value);
  if (!found) return value;
  const bytes = Buffer.from(found[1], 'base64');
  return bytes.toString('base64') === found[1] ? decodeUtf8(bytes) : null;
}

/** A String, an Integer or a Bool as text. @param {Json|undefined} value @returns {string|null} */
function scalarText(value) {
  if (value?.t === 'str') return value.v;
  if (value?.t === 'bool') return String(value.v);
  const number = integer(value);
  return number === undefined ? null : String(number);
}

/** Whether a scalar that members lead to has this text. @param {Json|undefined} root @param {string|null} text */
function holdsScalar(root, text) {
  const open = root ? [root] : [];
  for (let value = open.pop(); value; value = open.pop()) {
    if (value.t === 'obj') open.push(...value.members.map(([, inner]) => inner));
    else if (text !== null && scalarText(value) === text) return true;
  }
  return false;
}

/** JR-30 to JR-33. @param {import('./message.mjs').Message} message @param {Call} call */
function compareFields(message, { method, params }) {
  /** @param {string} name @returns {string|null|undefined} undefined: no such field */
  const field = (name) => {
    const value = valueOf(message, name);
    return value === null ? undefined : fieldText(value);
  };
  /** @param {unknown} ok @param {string} name */
  const match = (ok, name) => demand(ok, 11, 'header_body_mismatch', name);
  const [stated, name, version] = ['mcp-method', 'mcp-name', 'mcp-protocol-version'].map(field);
  match(stated === undefined || stated === method, 'mcp-method'); // JR-30
  const target = member(params, KINDS.get(method)?.named ?? '');
  match(name === undefined || (KINDS.has(method) && target?.t === 'str' && target.v === name), 'mcp-name'); // JR-31
  const inner = member(member(params, '_meta'), 'io.modelcontextprotocol/protocolVersion');
  const versionFits = !inner || (inner.t === 'str' && inner.v === version);
  match(version === undefined || (version !== null && versionFits), 'mcp-protocol-version'); // JR-32
  for (const line of new Set(message.lines.map(([key]) => key.toLowerCase()))) {
    if (!line.startsWith('mcp-param-')) continue;
    match(method === 'tools/call' && holdsScalar(member(params, 'arguments'), field(line) ?? null), line); // JR-33
  }
}

/**
 * The mapping of an HTTP request to the path of an MCP endpoint (JR-27 to JR-34), for verifyRequest.
 * @param {string} server @param {boolean} both whether the service asks for an envelope besides
 * @returns {NonNullable<Parameters<typeof verifyRequest>[2]>}
 */
export const mcpOverHttp = (server, both) => (message, context, token, text, signature, service) => {
  demand(isResource(splitTarget(message.target)[0]), 11, 'resource_invalid'); // VF-25
  if (message.method === 'GET' || message.method === 'DELETE') {
    demand(message.body.length === 0, 11, 'operation_unmapped'); // JR-27
    return null;
  }
  demand(message.method === 'POST', 11, 'operation_unmapped'); // JR-27
  const stated = valueOf(message, 'content-type') ?? '';
  demand(/^[^; \t]*/.exec(stated)?.[0].toLowerCase() === 'application/json', 11, 'operation_unmapped', 'media type'); // JR-28
  const media = parseMediaType(stated);
  if (!media) throw new Denial(11, 'body_ambiguous', 'media type'); // RQ-56
  demand(message.body.length <= MIB, 11, 'body_ambiguous', 'too long to be read'); // JR-29
  const call = readCall(readStrictBody(message, media), 11); // JR-29
  demand(!member(member(call.params, '_meta'), 'dev.countersign/caller'), 11, 'body_ambiguous', 'caller'); // JR-37
  compareFields(message, call);
  if (both) {
    try {
      checkTokenLength(envelopeOf(call));
      const envelope = readEnvelope(envelopeOf(call), context.now);
      const same = envelope.token === text && envelope.keyid === signature.keyid && envelope.service === service;
      demand(same && envelope.nonce !== signature.nonce, 11, 'header_body_mismatch');
      demand(verify(holderKey(token), signedBytes(call), envelope.sig), 11, 'header_body_mismatch');
    } catch (error) {
      if (error instanceof Denial) throw new Denial(11, 'header_body_mismatch', error.message); // JR-34
      throw error;
    }
  }
  return mapCall(call, server, both);
};

/** A vector of jsonrpc/. @param {any} input @param {{onChecks?: Context['onChecks']}} hooks */
export function runJsonRpc(input, hooks) {
  const { server, path, envelope } = input.mcp;
  if (!isSegment(server)) throw new Misuse('name of the server');
  const context = makeContext(input.config, { now: input.now, stores: new Stores(), revoked: input.revoked, ...hooks });
  /** @param {{message_b64u?: string, request_b64u?: string}} sent @param {Context} used */
  const run = (sent, used) => {
    const bytes = Buffer.from(sent.message_b64u ?? sent.request_b64u ?? '', 'base64url');
    if (sent.message_b64u !== undefined) return verifyMessage(used, bytes, server);
    const message = readMessage(bytes, undefined);
    const endpoint = splitTarget(message.target)[0] === path;
    return verifyRequest(used, message, endpoint ? mcpOverHttp(server, envelope === true) : null);
  };
  for (const sent of input.before ?? []) {
    const { result, code } = run(sent, { ...context, onChecks: undefined });
    if (result !== 'allow') throw new Error(`before: ${code}`);
  }
  return run(input.sent, context);
}
