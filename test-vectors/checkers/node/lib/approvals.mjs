// Approvals (RQ-57 to RQ-59, VF-32) and charges (VF-34, VF-35, VF-45), with the stores that stages 10 and 12 need.

import { Denial, SKEW, decodeB64u, demand, sha256 } from './util.mjs';
import { jcs, parseJson, shaped } from './json.mjs';
import { keyId, verify } from './ed25519.mjs';

/**
 * @typedef {import('./token.mjs').Token} Token
 * @typedef {import('./operation.mjs').Operation} Operation
 * @typedef {{payload: Buffer, signature: Buffer, approver: string, created: bigint, expires: bigint, digest: Buffer}} Approval
 */

/** What is remembered between requests. These stores forget nothing and always answer. */
export class Stores {
  constructor() {
    /** @type {Set<string>} */
    this.nonces = new Set();
    /** @type {Map<string, bigint>} */
    this.counters = new Map();
    /** @type {Set<string>} */
    this.used = new Set();
  }

  /** VF-19. @param {string} keyid @param {string} nonce */
  recordNonce(keyid, nonce) {
    const pair = `${keyid} ${nonce}`;
    demand(!this.nonces.has(pair), 10, 'replayed');
    this.nonces.add(pair);
  }
}

/** Of an approval's payload. */
const MEMBERS = { approver: 'string', created: 'integer', digest: 'string', expires: 'integer', id: 'string' };

/** @param {string} text one approval @returns {Approval|null} null where it is not of the form (RQ-57) */
function readApproval(text) {
  const parts = text.length <= 1024 ? text.split('.') : [];
  const [payload, signature] = parts.map(decodeB64u);
  if (parts.length !== 2 || !payload || signature?.length !== 64) return null;
  const json = parseJson(payload, () => null);
  const said = json && jcs(json) === payload.toString('utf8') ? shaped(json, MEMBERS) : undefined;
  if (!said || said.created < 0n || said.expires < 0n) return null;
  const digest = decodeB64u(said.digest);
  if (digest?.length !== 32 || decodeB64u(said.id)?.length !== 16) return null; // an approver that is no key id is not needed
  return { ...said, payload, signature, digest };
}

/**
 * VF-32: the approvals that an operation needs, each there and good. @param {Token} token @param {Operation} operation
 * @param {string|null} field value of Countersign-Approval @param {() => Buffer} digest of the operation
 * @param {bigint} now @returns {string[]} the use ids (RQ-59)
 */
export function checkApprovals(token, operation, field, digest, now) {
  /** @type {Map<string, Buffer>} needed keys by their key id, in the order of the block */
  const needed = new Map();
  for (const { type, action, key } of token.approvals) {
    if (type === operation.type && action === operation.action) needed.set(keyId(key), key);
  }
  if (needed.size === 0) return []; // VF-33
  const parts = field === null ? [] : field.split(',').map((part) => part.replace(/^[ \t]+|[ \t]+$/g, ''));
  demand(parts.length <= 16, 11, 'approval_invalid', 'too many'); // RQ-57
  /** @type {Map<string, Approval>} */
  const found = new Map();
  for (const text of parts) {
    const approval = readApproval(text);
    if (!approval) throw new Denial(11, 'approval_invalid', 'form'); // RQ-57
    if (!needed.has(approval.approver)) continue;
    demand(!found.has(approval.approver), 11, 'approval_invalid', 'two by one key'); // RQ-57
    found.set(approval.approver, approval);
  }
  return [...needed].map(([id, key]) => {
    const approval = found.get(id);
    if (!approval) throw new Denial(11, 'approval_required'); // VF-32
    const { created, expires, payload, signature } = approval;
    // RQ-58
    demand(!token.holders.some((holder) => holder.key.equals(key)), 11, 'approval_invalid', 'by a holder');
    demand(approval.digest.equals(digest()), 11, 'approval_invalid', 'of another operation');
    const inTime = created < expires && expires - created <= 600n && created <= now + SKEW && now <= expires;
    demand(inTime, 11, 'approval_invalid', 'window');
    const signed = Buffer.concat([Buffer.from('countersign-approval-v1\0'), payload]);
    demand(verify(key, signed, signature), 11, 'approval_invalid', 'signature');
    return sha256(key, signature).toString('hex'); // RQ-59
  });
}

/**
 * The counters that an operation raises. @param {Token} token @param {Operation} operation
 * @returns {{counter: string, unit: string, amount: bigint, window: bigint}[]}
 */
function countingBudgets(token, operation) {
  return token.blocks.flatMap(({ kind, id, budgets }) =>
    budgets.flatMap(({ account, unit, amount, window }) => {
      const metered = token.metered.filter((fact) => fact.account === account);
      const counts =
        kind === 'delegation' ||
        metered.length === 0 ||
        metered.some(({ type, action }) => type === operation.type && action === operation.action);
      if (!counts) return [];
      const owner = kind === 'delegation' ? [id.toString('hex')] : [token.issuer, token.user];
      return [{ counter: JSON.stringify([...owner, account, unit, String(window)]), unit, amount, window }];
    }),
  );
}

/**
 * What an operation costs in a unit, or null where it does not name it.
 * @param {Operation} operation @param {import('./args.mjs').Arguments} args @param {string} unit
 */
export function costOf(operation, args, unit) {
  const cost = new Map(Object.entries(operation.row?.cost ?? { calls: 1 })).get(unit);
  if (cost === undefined) return null;
  return typeof cost === 'string' ? args.amount(cost) : BigInt(cost);
}

/**
 * Stage 12: all counters and use ids, or none (VF-45). @param {Token} token @param {Operation} operation
 * @param {import('./args.mjs').Arguments} args @param {string[]} useIds @param {bigint} now @param {Stores} stores
 */
export function charge(token, operation, args, useIds, now, stores) {
  /** @type {Map<string, bigint>} */
  const raised = new Map();
  for (const { counter, unit, amount, window } of countingBudgets(token, operation)) {
    const cost = costOf(operation, args, unit);
    if (cost === null) throw new Denial(12, 'budget_exceeded', 'unit without a cost'); // VF-34
    const name = `${counter} ${window > 0n ? now / window : 0n}`;
    const after = (stores.counters.get(name) ?? 0n) + cost;
    demand(cost === 0n || after <= amount, 12, 'budget_exceeded'); // VF-34; each budget of a counter is compared
    raised.set(name, after);
  }
  demand(!useIds.some((id) => stores.used.has(id)), 12, 'approval_invalid', 'used before'); // RQ-59
  for (const [name, value] of raised) stores.counters.set(name, value);
  for (const id of useIds) stores.used.add(id);
}
