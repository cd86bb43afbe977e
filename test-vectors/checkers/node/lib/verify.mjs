// The twelve stages (verify.md) for a request, and what a request and a JSON-RPC message share.

import { Denial, Misuse, SKEW, demand, denies, rfc3339 } from './util.mjs';
import { parseJson } from './json.mjs';
import { keyId, parsePublic } from './ed25519.mjs';
import { decodeToken } from './token.mjs';
import { verifyChain } from './chain.mjs';
import { checkFraming, findToken, normalise, splitTarget, valueOf } from './message.mjs';
import { checkBody, otherFields, readFields, readSignature, verifySignature } from './request.mjs';
import * as op from './operation.mjs';
import { extract } from './args.mjs';
import { Evaluator } from './evaluate.mjs';
import { charge, checkApprovals } from './approvals.mjs';

/**
 * @typedef {import('./token.mjs').Token} Token
 * @typedef {import('./message.mjs').Message} Message
 * @typedef {import('./json.mjs').Json} Json
 * @typedef {import('./operation.mjs').Operation} Operation
 * @typedef {import('./approvals.mjs').Stores} Stores
 * @typedef {{method: string, path: string, query: string|null, authority: string, fields: Record<string, string>|null}} Http
 * @typedef {{audiences: string[], authorities: string[], scheme: string, issuers: Map<string, Buffer[]>,
 *   operations: import('./operation.mjs').Row[]|undefined, maxBody: bigint, now: bigint, stores: Stores,
 *   revoked: Revoked, onChecks?: (token: Token, evaluator: Evaluator, code: string|null, canonical: () => string) => void}} Context
 * @typedef {{blocks: Set<string>, holders: Set<string>, users: {issuer: string, user: string, before: number}[],
 *   grants: {issuer: string, grant: string}[], conversations: {issuer: string, user: string, conversation: string}[],
 *   keys: Set<string>}} Revoked
 * @typedef {{operation: Operation, json: Json|null, read: boolean, content: Buffer|null, meta: Json|null}} Asked what a request
 *   asks for: its arguments, whether they were read, the body where it is to be hashed, what is covered of MCP's `_meta`
 */

export const MIB = 1 << 20;

/**
 * @param {any} config of a vector @param {{now: number, stores: Stores, revoked?: any, onChecks?: Context['onChecks']}} rest
 * @returns {Context}
 */
export function makeContext(config, { now, stores, revoked = {}, onChecks }) {
  const scheme = op.schemeOf(config.audience);
  if (config.operations) op.checkTable(config.operations);
  const issuers = new Map();
  for (const { issuer, keys } of config.issuers) {
    if (keys.length > 8) throw new Misuse('more than 8 keys'); // VF-43
    issuers.set(issuer, keys.map(parsePublic));
  }
  return {
    audiences: config.audience,
    authorities: config.authorities.map((/** @type {string} */ name) => normalise(name, scheme)),
    ...{ scheme, issuers, operations: config.operations, stores, onChecks },
    maxBody: BigInt(config.max_body_bytes ?? MIB),
    now: BigInt(now),
    revoked: {
      blocks: new Set((revoked.blocks ?? []).map((/** @type {string} */ id) => id.slice(0, 32))),
      holders: new Set(revoked.holders),
      users: revoked.users ?? [],
      grants: revoked.grants ?? [],
      conversations: revoked.conversations ?? [],
      keys: new Set(revoked.issuer_keys),
    },
  };
}

/** @param {Token} token */
export const holderKey = (token) => token.holders[token.holders.length - 1].key;

/** Stage 4 for a request: decoded and sealed. @param {string} text @returns {Token} */
export function readSealed(text) {
  const token = decodeToken(text);
  demand(token.sealed, 4, 'token_unsealed'); // TK-15
  return token;
}

/**
 * Stages 5, 6 and 7. @param {Context} context @param {Token} token
 * @param {() => string} findService @param {string} keyid @returns {string} the service
 */
export function checkToken(context, token, findService, keyid) {
  const { now, revoked } = context;
  const keys = context.issuers.get(token.issuer);
  if (!keys) throw new Denial(5, 'issuer_unknown'); // VF-5
  const service = findService(); // VF-6, JR-12
  demand(token.audience === service, 5, 'audience_mismatch'); // VF-7
  demand(token.issuedAt <= now + SKEW, 5, 'token_not_yet_valid'); // VF-8
  demand(now <= token.expiry, 5, 'token_expired'); // VF-9
  demand(keyid === keyId(holderKey(token)), 5, 'key_mismatch'); // RQ-45, JR-13

  const { issuer, user, grant, conversation } = token;
  demand(!token.blocks.some(({ id }) => revoked.blocks.has(id.toString('hex', 0, 16))), 6, 'token_revoked', 'block'); // VF-11
  demand(!token.holders.some(({ key }) => revoked.holders.has(keyId(key))), 6, 'token_revoked', 'holder'); // VF-12
  const outdated = revoked.users.some((row) => row.issuer === issuer && row.user === user && token.issuedAt <= BigInt(row.before));
  demand(!outdated, 6, 'token_revoked', 'user'); // VF-13
  demand(!revoked.grants.some((row) => row.issuer === issuer && row.grant === grant), 6, 'token_revoked', 'grant'); // VF-14
  const ended = revoked.conversations.some((row) => row.issuer === issuer && row.user === user && row.conversation === conversation);
  demand(!ended, 6, 'conversation_ended'); // VF-15

  verifyChain(token, keys.filter((key) => !revoked.keys.has(`ed25519/${key.toString('hex')}`))); // VF-16, VF-17
  return service;
}

/**
 * The body of a request as a source of arguments (CK-28, RQ-55, RQ-56). @param {Message} message
 * @param {Operation} operation @returns {Asked}
 */
function readBody(message, operation) {
  const { body } = message;
  const asked = { operation, json: null, read: true, content: null, meta: null };
  if (body.length === 0) return asked;
  const media = op.parseMediaType(valueOf(message, 'content-type') ?? '');
  if (!media) throw new Denial(11, 'body_ambiguous', 'media type'); // RQ-56
  const isJson = (media.type === 'application' && media.subtype === 'json') || media.subtype.endsWith('+json');
  if (!isJson || body.length > MIB || operation.row?.read_body === false) return { ...asked, read: false, content: body };
  const json = readStrictBody(message, media);
  return json.t === 'obj' ? { ...asked, json } : { ...asked, read: false, content: body };
}

/** RQ-55 and RQ-56 for a body that is read. @param {Message} message @param {{parameters: [string, string][]}} media @returns {Json} */
export function readStrictBody(message, { parameters }) {
  const charsets = parameters.filter(([name]) => name === 'charset');
  demand(charsets.every(([, value]) => value.toLowerCase() === 'utf-8'), 11, 'body_ambiguous', 'charset'); // RQ-56
  demand(valueOf(message, 'content-encoding') === null, 11, 'body_ambiguous', 'content coding'); // RQ-55
  return parseJson(message.body, denies(11, 'body_ambiguous')); // RQ-55
}

/**
 * The facts of the verifier (checks.md, "Predicates"). @param {Token} token @param {string} service
 * @param {Operation} operation @param {Http|null} http @param {string} binding @param {bigint} now
 */
export function factsOf(token, service, operation, http, binding, now) {
  /** @type {Map<string, import('./symbols.mjs').Term[][]>} */
  const facts = new Map([
    ['time', [[{ k: 'date', v: now }]]],
    ['holder', [[{ k: 'bytes', v: holderKey(token) }]]],
  ]);
  const { type, resource, action, tool } = operation;
  const strings = { service, type, resource, action, tool, binding, user: token.user, purpose: token.purpose, issuer: token.issuer };
  for (const [name, value] of Object.entries({ ...strings, method: http?.method, authority: http?.authority, path: http?.path })) {
    if (typeof value === 'string') facts.set(name, [[{ k: 'string', v: value }]]);
  }
  const [{ name, key }] = token.holders;
  facts.set('agent', [[{ k: 'string', v: name }, { k: 'bytes', v: key }]]);
  return facts;
}

/**
 * Stages 11 (behind the mapping) and 12. @param {Context} context @param {Token} token @param {string} service
 * @param {Asked} asked @param {Http|null} http @param {string} binding @param {string|null} query for arguments
 * @param {string|null} approvals value of the field @returns {string} the right
 */
export function authorize(context, token, service, asked, http, binding, query, approvals) {
  const { operation } = asked;
  const args = extract(operation, query, asked);
  const right = op.findRight(token, operation);
  const evaluator = new Evaluator(factsOf(token, service, operation, http, binding, context.now), args);
  const canonical = () => op.canonicalOperation(token, service, asked, http);
  /** @type {string|null} */
  let code = null;
  try {
    evaluator.run(token.blocks.flatMap((block) => block.checks)); // VF-31
  } catch (error) {
    if (error instanceof Denial) code = error.code;
    throw error;
  } finally {
    context.onChecks?.(token, evaluator, code, canonical);
  }
  const useIds = checkApprovals(token, operation, approvals, () => op.operationDigest(canonical()), context.now);
  charge(token, operation, args, useIds, context.now, context.stores);
  return `${right.type}:${right.location}:${right.action}`; // VF-30
}

/**
 * A decision (VF-36, VF-37). @param {string} binding
 * @param {(proven: (token: Token) => void) => string|null} stages gives the right, and tells the token once stage 8 passed
 */
export function decide(binding, stages) {
  /** @type {Token|null} */
  let shown = null;
  const proven = (/** @type {Token} */ token) => {
    shown = token;
  };
  try {
    const right = stages(proven);
    return { result: 'allow', stage: null, code: null, ...members(shown, binding), right };
  } catch (error) {
    if (!(error instanceof Denial)) throw error;
    return { result: 'deny', stage: error.stage, code: error.code, ...members(shown, binding), right: null };
  }
}

/** @param {Token|null} token @param {string} binding */
function members(token, binding) {
  if (!token) return { issuer: null, user: null, agents: null, purpose: null, expires: null, binding: null };
  const { issuer, user, purpose, holders, expiry } = token;
  const agents = holders.map(({ name, key, delegator }) => ({ name, key_id: keyId(key), claimed_by: delegator ? keyId(delegator) : issuer }));
  return { issuer, user, agents, purpose, expires: rfc3339(expiry), binding };
}

/**
 * All stages for one HTTP request.
 * @param {Context} context @param {Message} message
 * @param {((message: Message, context: Context, token: Token, text: string, signature: import('./request.mjs').Signature,
 *   service: string) => Asked|null)|null} [mcp] maps the request where its path is that of an MCP endpoint; null: it acts on nothing
 */
export function verifyRequest(context, message, mcp = null) {
  return decide('ed25519', (proven) => {
    const authority = checkFraming(message, context);
    const { text, header } = findToken(message);
    const fields = readFields(message);
    const signature = readSignature(message, fields, header, context.now);
    const [path, query] = splitTarget(message.target);
    const token = readSealed(text);
    const service = checkToken(context, token, () => op.serviceFor(context.audiences, path), signature.keyid);
    verifySignature(message, authority, signature, holderKey(token));
    proven(token);
    checkBody(message, fields, signature, context.maxBody);
    context.stores.recordNonce(signature.keyid, signature.nonce); // VF-19
    const asked = mcp ? mcp(message, context, token, text, signature, service) : askedOf(context, message, path);
    if (!asked) return null; // JR-23
    const http = { method: message.method, path, query, authority, fields: otherFields(message, signature.components, header) };
    return authorize(context, token, service, asked, http, 'ed25519', mcp ? null : query, valueOf(message, 'countersign-approval'));
  });
}

/** @param {Context} context @param {Message} message @param {string} path raw @returns {Asked} */
function askedOf({ operations }, message, path) {
  const operation = op.mapOperation(operations, message.method, path);
  demand(op.isResource(path) && op.isResource(operation.resource), 11, 'resource_invalid'); // VF-25 to VF-28
  return readBody(message, operation);
}
