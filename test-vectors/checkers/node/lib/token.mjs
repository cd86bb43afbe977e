// From a token's text to what it says: container, blocks, the profile (token.md, stage 4).

import { Denial, decodeB64u, demand, sameBytes, sha256 } from './util.mjs';
import { decode, encode } from './wire.mjs';
import { Table, readPredicate } from './symbols.mjs';
import { anyOp, expiryOf, readCheck } from './checkform.mjs';

/**
 * @typedef {import('./checkform.mjs').Check} Check
 * @typedef {{account: string, unit: string, amount: bigint, window: bigint}} Budget
 * @typedef {{block: Buffer, nextKey: Buffer, signature: Buffer, external: {signature: Buffer, key: Buffer}|null}} Signed
 * @typedef {{signed: Signed, id: Buffer, version: number, checks: Check[], facts: import('./symbols.mjs').Predicate[],
 *   kind: 'authority'|'restriction'|'delegation', budgets: Budget[]}} Block
 * @typedef {{name: string, key: Buffer, delegator: Buffer|null}} Holder
 * @typedef {{bytes: Buffer, blocks: Block[], sealed: boolean, proof: Buffer, holders: Holder[], expiry: bigint,
 *   issuer: string, user: string, purpose: string, audience: string, issuedAt: bigint,
 *   rights: {type: string, location: string, action: string}[],
 *   metered: {account: string, type: string, action: string}[],
 *   approvals: {type: string, action: string, key: Buffer}[], grant: string|null, conversation: string|null}} Token
 */

export const MAX_TEXT = 6827;
export const MAX_BYTES = 5120;
export const MAX_OPEN_TEXT = 6784;
const MAX_BLOCKS = 12;

/**
 * Facts with their terms, and how many there may be at least and at most (token.md, the two tables).
 * @param {string} text @returns {Map<string, {terms: string[], least: number, most: number}>}
 */
function factTable(text) {
  const rows = text.trim().split('\n').map((row) => row.trim().split(' '));
  return new Map(rows.map(([name, least, most, ...terms]) => [name, { terms, least: Number(least), most: Number(most) }]));
}

const AUTHORITY = factTable(`
  countersign 1 1 integer
  issuer 1 1 string
  user 1 1 string
  agent 1 1 string bytes
  purpose 1 1 string
  audience 1 1 string
  issued_at 1 1 date
  right 1 128 string string string
  delegation_depth 0 1 integer
  budget 0 8 string string integer integer
  metered 0 16 string string string
  approval 0 16 string string bytes
  grant 0 1 string
  conversation 0 1 string`);
const DELEGATION = factTable(`
  delegate 1 1 string bytes
  delegation_depth 0 1 integer
  budget 0 8 string string integer integer`);

/** @param {unknown} ok @param {string} detail */
const profile = (ok, detail) => demand(ok, 4, 'token_profile', detail);

/**
 * Decodes a token, open or sealed. Signatures are another matter (chain.mjs).
 * @param {string} text @returns {Token}
 */
export function decodeToken(text) {
  const bytes = decodeB64u(text);
  if (!bytes) throw new Denial(4, 'token_malformed', 'no base64url'); // TK-1
  const wire = decode('Biscuit', bytes);
  const wires = [wire.authority, ...wire.blocks];
  demand(wires.length <= MAX_BLOCKS, 4, 'limit_exceeded', 'blocks'); // TK-13
  const shared = new Table();
  /** @type {Block[]} */
  const blocks = wires.map((signed, i) => readBlock(signed, i === 0, shared));
  const sealed = wire.proof.finalSignature !== undefined;
  const proof = wire.proof.finalSignature ?? wire.proof.nextSecret;
  if (!sealed) profile(proof.length === 32, 'next secret'); // TK-16
  return interpret(bytes, blocks, sealed, proof);
}

/** TK-12. @param {any} key a decoded PublicKey @returns {Buffer} */
function readKey({ algorithm, key }) {
  profile(algorithm === 0 && key.length === 32, 'public key');
  return key;
}

/** @param {any} wire a decoded SignedBlock @param {boolean} first @param {Table} shared @returns {Block} */
function readBlock(wire, first, shared) {
  profile(wire.version === 1, 'version of a signed block'); // TK-11
  const nextKey = readKey(wire.nextKey);
  const ext = wire.externalSignature;
  const external = ext ? { signature: ext.signature, key: readKey(ext.publicKey) } : null;
  profile(!(first && external), 'external signature of the authority block'); // TK-14
  const content = decode('Block', wire.block, 1);
  demand(content.facts.length <= 200 && content.checks.length <= 64, 4, 'limit_exceeded', 'facts or checks'); // TK-25
  const table = external ? new Table() : shared;
  table.extend(content.symbols);
  const facts = content.facts.map((/** @type {any} */ fact) => readPredicate(fact.predicate, table));
  /** @type {Check[]} */
  const checks = content.checks.map((/** @type {any} */ check) => readCheck(check, table));
  table.finish();
  const encoded = content.facts.map((/** @type {any} */ fact) => encode('Fact', fact).toString('hex'));
  demand(new Set(encoded).size === encoded.length, 4, 'token_malformed', 'fact twice'); // TK-24
  profile(content.version === versionOf(checks, external !== null), 'version of a block'); // TK-26
  const kind = first ? 'authority' : external ? 'delegation' : 'restriction';
  if (kind === 'restriction') profile(facts.length === 0 && checks.length > 0, 'restriction block'); // TK-36
  else checkFacts(facts, first ? AUTHORITY : DELEGATION);
  const budgets = facts.flatMap((/** @type {any} */ { name, terms: [c, u, n, w] }) =>
    name === 'budget' ? [{ account: c.v, unit: u.v, amount: n.v, window: w.v }] : [],
  );
  for (const { amount, window } of budgets) profile(amount >= 1n && window >= 0n, 'budget'); // TK-33
  const signed = { block: wire.block, nextKey, signature: wire.signature, external };
  const id = sha256(external ? external.signature : wire.signature); // "Block ids"
  return { signed, id, version: content.version, checks, facts, kind, budgets };
}

/** TK-26. @param {Check[]} checks @param {boolean} external */
export function versionOf(checks, external) {
  const ops = checks.flatMap((check) => check.queries.flatMap((query) => query.expressions.flat()));
  if (checks.some((check) => check.reject) || ops.some((op) => op.op === 'closure')) return 6;
  if (external) return 5;
  return anyOp(ops, (op) => op.op === 'binary' && op.kind === 20) ? 4 : 3;
}

/** @param {import('./symbols.mjs').Predicate[]} facts @param {typeof AUTHORITY} table */
function checkFacts(facts, table) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const { name, terms } of facts) {
    const row = table.get(name);
    profile(row && row.terms.length === terms.length, `fact ${name}`); // TK-28, TK-38
    terms.forEach((term, i) => {
      profile(row?.terms[i] === term.k, `term of ${name}`); // TK-28
      if (term.k === 'bytes') profile(term.v.length === 32, 'key'); // TK-32
    });
    counts.set(name, (counts.get(name) ?? 0) + 1);
    if (name === 'delegation_depth') profile(terms[0].k === 'integer' && terms[0].v >= 1n, 'depth'); // TK-33
  }
  for (const [name, { least, most }] of table) {
    const count = counts.get(name) ?? 0;
    profile(count >= least, `no ${name}`); // TK-29, TK-38
    if (most === 1) profile(count <= 1, `second ${name}`); // TK-29, TK-38
    else demand(count <= most, 4, 'limit_exceeded', name); // TK-30, TK-38
  }
}

/** @param {Buffer} bytes @param {Block[]} blocks @param {boolean} sealed @param {Buffer} proof @returns {Token} */
function interpret(bytes, blocks, sealed, proof) {
  const { facts } = blocks[0];
  /** The terms' values of all facts of a name. @param {string} name @returns {any[][]} */
  const all = (name) => facts.filter((fact) => fact.name === name).map((fact) => fact.terms.map((term) => term.v));
  /** @param {string} name @returns {any} */
  const one = (name) => all(name)[0]?.[0] ?? null;
  profile(one('countersign') === 1n, 'version of the profile'); // TK-31
  profile(one('delegation_depth') === null || one('delegation_depth') <= 6n, 'depth'); // TK-33
  profile(blocks[0].checks.some((check) => expiryOf(check) !== null), 'no expiry'); // TK-34

  const [[name, key]] = all('agent');
  /** @type {Holder[]} */
  const holders = [{ name, key, delegator: null }];
  let left = one('delegation_depth') ?? 0n;
  for (const { signed, facts: own, kind } of blocks) {
    if (kind !== 'delegation' || !signed.external) continue;
    const current = holders[holders.length - 1].key;
    demand(sameBytes(signed.external.key, current), 4, 'delegation_invalid'); // TK-37
    demand(left > 0n, 4, 'delegation_depth'); // TK-47
    const depth = own.find((fact) => fact.name === 'delegation_depth')?.terms[0].v ?? null;
    demand(depth === null || /** @type {bigint} */ (depth) < left, 4, 'delegation_depth'); // TK-47
    left = /** @type {bigint|null} */ (depth) ?? 0n;
    const [next, nextKey] = /** @type {any[]} */ (own.find((fact) => fact.name === 'delegate')?.terms);
    holders.push({ name: next.v, key: nextKey.v, delegator: current });
  }
  // TK-35
  const dates = blocks.flatMap((block) => block.checks.map(expiryOf)).filter((date) => date !== null);
  const expiry = dates.reduce((least, date) => (date < least ? date : least));
  return {
    ...{ bytes, blocks, sealed, proof, holders, expiry },
    ...{ issuer: one('issuer'), user: one('user'), purpose: one('purpose'), audience: one('audience') },
    issuedAt: one('issued_at'),
    rights: all('right').map(([type, location, action]) => ({ type, location, action })),
    metered: all('metered').map(([account, type, action]) => ({ account, type, action })),
    approvals: all('approval').map(([type, action, approver]) => ({ type, action, key: approver })),
    ...{ grant: one('grant'), conversation: one('conversation') },
  };
}
