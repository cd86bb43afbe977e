// The request's signature: structured fields, selection, coverage, parameters, base, body digest (stages 2, 3, 8, 9).

import { createHash } from 'node:crypto';
import { Denial, SKEW, decodeB64u, demand, fromBinary, sha256 } from './util.mjs';
import { exactDictionary } from './sf.mjs';
import { splitTarget, valueOf } from './message.mjs';
import { verify } from './ed25519.mjs';

/**
 * @typedef {import('./message.mjs').Message} Message
 * @typedef {import('./sf.mjs').Member} Member
 * @typedef {{input: Map<string, Member>|null, signature: Map<string, Member>|null, digest: Map<string, Member>|null}} Fields
 * @typedef {{components: string[], params: string, signature: Buffer, created: bigint, expires: bigint, nonce: string,
 *   keyid: string}} Signature
 */

const TAG = 'countersign-request-v1';
const SESSION_TAG = 'countersign-session-v1';
const DERIVED = ['@method', '@authority', '@path', '@query'];
const PROTECTED = [
  ...['content-digest', 'content-encoding', 'authorization', 'countersign-token', 'countersign-approval', 'idempotency-key'],
];
const CREDENTIALS = ['authorization', 'proxy-authorization', 'cookie'];
/** "Uncovered fields and the application". */
const TRANSPORT = [
  ...['accept', 'accept-charset', 'accept-encoding', 'accept-language', 'baggage', 'cache-control', 'cdn-loop', 'connection'],
  ...['content-digest', 'content-length', 'content-type', 'date', 'expect', 'forwarded', 'host', 'keep-alive', 'max-forwards'],
  ...['pragma', 'priority', 'proxy-connection', 'signature', 'signature-input', 'te', 'traceparent', 'tracestate'],
  ...['transfer-encoding', 'user-agent', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-port', 'x-forwarded-prefix'],
  ...['x-forwarded-proto', 'x-forwarded-server', 'x-real-ip', 'x-request-id'],
];

/** Stage 2, RQ-23 to RQ-26. @param {Message} message @returns {Fields} */
export function readFields(message) {
  const [input, signature, digest] = ['signature-input', 'signature', 'content-digest'].map((name) => {
    const value = valueOf(message, name);
    const members = value === null ? null : exactDictionary(value);
    demand(value === null || members, 2, 'header_malformed', name);
    const shaped = [...(members?.values() ?? [])].every((member) =>
      name === 'signature-input' ? member.items : member.bare?.t === 'bytes' && member.params.size === 0,
    );
    demand(shaped, 2, 'header_malformed', name);
    return members;
  });
  for (const key of digest?.keys() ?? []) demand(/^sha-(256|512)$/.test(key), 2, 'digest_alg_rejected'); // RQ-26
  return { input, signature, digest };
}

/** RQ-27 to RQ-30. @param {Fields} fields @returns {{member: Member, signature: Buffer}} */
function select(fields) {
  /** @param {string} tag */
  const tagged = (tag) =>
    [...(fields.input ?? [])].filter(([, { params }]) => {
      const value = params.get('tag');
      return value?.t === 'string' && value.v === tag;
    });
  demand(tagged(SESSION_TAG).length === 0, 3, 'tag_invalid'); // RQ-27
  const [ours, ...more] = tagged(TAG);
  demand(ours, 3, 'signature_required'); // RQ-28
  demand(more.length === 0, 3, 'signature_ambiguous'); // RQ-29
  const value = fields.signature?.get(ours[0])?.bare;
  if (value?.t !== 'bytes') throw new Denial(3, 'signature_required'); // RQ-30
  return { member: ours[1], signature: value.v };
}

/** RQ-44. @param {bigint} created @param {bigint} expires @param {bigint} now */
export function windowHolds(created, expires, now) {
  return created < expires && expires - created <= 300n && created <= now + SKEW && now <= expires + SKEW;
}

/** RQ-42. @param {string} nonce */
export function isNonce(nonce) {
  const bytes = decodeB64u(nonce);
  return bytes !== null && bytes.length >= 16 && bytes.length <= 64;
}

/**
 * Stage 3. @param {Message} message @param {Fields} fields @param {string} tokenHeader @param {bigint} now
 * @returns {Signature}
 */
export function readSignature(message, fields, tokenHeader, now) {
  const { member, signature } = select(fields);
  const components = (member.items ?? []).map(({ bare, params }) => {
    if (bare.t !== 'string' || params.size > 0) throw new Denial(3, 'components_invalid'); // RQ-31
    demand(DERIVED.includes(bare.v) || /^[!#$%&'*+\-.^_`|~0-9a-z]+$/.test(bare.v), 3, 'components_invalid', bare.v); // RQ-32
    return bare.v;
  });
  const covered = new Set(components);
  demand(covered.size === components.length, 3, 'components_invalid', 'twice'); // RQ-33
  demand([...DERIVED, tokenHeader].every((name) => covered.has(name)), 3, 'components_incomplete'); // RQ-34
  demand(!message.announced || coversBody(components), 3, 'body_uncovered'); // RQ-35
  for (const [line] of message.lines) {
    const name = line.toLowerCase();
    const isProtected = PROTECTED.includes(name) || name.startsWith('mcp-');
    demand(!isProtected || covered.has(name), 3, 'header_uncovered', name); // RQ-36
  }
  for (const name of components) {
    if (DERIVED.includes(name)) continue;
    const value = valueOf(message, name);
    demand(value !== null, 3, 'component_unresolvable', name); // RQ-37
    demand(!/[\x80-\xff]/.test(value ?? ''), 3, 'header_malformed', name); // RQ-38
  }
  return { components, params: member.text, signature, ...readParameters(member, now) };
}

/** @param {string[]} components */
const coversBody = (components) => components.includes('content-digest') && components.includes('content-type');

/** RQ-40 to RQ-44. @param {Member} member @param {bigint} now */
function readParameters({ params }, now) {
  const types = new Map(Object.entries({ created: 'integer', expires: 'integer', nonce: 'string', keyid: 'string', tag: 'string', alg: 'string' }));
  for (const name of ['created', 'expires', 'nonce', 'keyid']) demand(params.has(name), 3, 'params_incomplete', name); // RQ-40
  for (const [name, { t }] of params) demand(types.get(name) === t, 3, 'params_invalid', name); // RQ-41
  /** @param {string} name @returns {any} */
  const value = (name) => params.get(name)?.v;
  demand(isNonce(value('nonce')), 3, 'params_invalid', 'nonce'); // RQ-42
  demand(!params.has('alg') || value('alg') === 'ed25519', 3, 'alg_rejected'); // RQ-43
  const [created, expires] = [BigInt(value('created')), BigInt(value('expires'))];
  demand(windowHolds(created, expires, now), 3, 'window_invalid'); // RQ-44
  return { created, expires, nonce: value('nonce'), keyid: value('keyid') };
}

/**
 * The signature base (RQ-46, RQ-47), as a binary string. @param {Message} message @param {string} authority
 * @param {string[]} components @param {string} params
 */
export function signatureBase(message, authority, components, params) {
  const [path, query] = splitTarget(message.target);
  /** @type {Record<string, string>} */
  const derived = { '@method': message.method, '@authority': authority, '@path': path, '@query': `?${query ?? ''}` };
  const lines = components.map((name) => `"${name}": ${name[0] === '@' ? derived[name] : valueOf(message, name)}\n`);
  return `${lines.join('')}"@signature-params": ${params}`;
}

/** Stage 8, RQ-48. @param {Message} message @param {string} authority @param {Signature} signature @param {Buffer} key */
export function verifySignature(message, authority, signature, key) {
  const base = signatureBase(message, authority, signature.components, signature.params);
  demand(verify(key, fromBinary(base), signature.signature), 8, 'signature_invalid');
}

/**
 * The other fields (verify.md, "Operation digest"), or null. @param {Message} message @param {string[]} components
 * @param {string} tokenHeader @returns {Record<string, string>|null}
 */
export function otherFields(message, components, tokenHeader) {
  const apart = new Set([...DERIVED, ...TRANSPORT, tokenHeader, 'countersign-approval']);
  apart.delete('content-type');
  const fields = components.flatMap((name) => {
    const value = apart.has(name) ? null : valueOf(message, name);
    if (value === null) return [];
    return [[name, CREDENTIALS.includes(name) ? sha256(fromBinary(value)).toString('hex') : value]];
  });
  return fields.length ? Object.fromEntries(fields) : null;
}

/** Stage 9. @param {Message} message @param {Fields} fields @param {Signature} signature @param {bigint} maxBody */
export function checkBody(message, fields, signature, maxBody) {
  const { body } = message;
  demand(BigInt(body.length) <= maxBody, 9, 'body_too_large'); // RQ-52
  demand(!message.trailers, 9, 'trailer_rejected'); // RQ-53
  for (const [key, { bare }] of fields.digest ?? []) {
    const digest = createHash(key.replace('-', '')).update(body).digest();
    demand(bare?.t === 'bytes' && bare.v.equals(digest), 9, 'digest_mismatch'); // RQ-49, RQ-50
  }
  demand(body.length === 0 || coversBody(signature.components), 9, 'body_uncovered'); // RQ-54
}
