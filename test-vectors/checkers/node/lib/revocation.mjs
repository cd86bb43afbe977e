// Revocation lists (revocation.md): reading one, taking it, and what a view says.

import { MAX_DATE, MAX_SAFE, SKEW, byteLength, compareText, decodeB64u, sha256 } from './util.mjs';
import { jcs, parseJson, shaped } from './json.mjs';
import { parsePublic, publicText, verify } from './ed25519.mjs';

/**
 * @typedef {{number: bigint, created: bigint, next: bigint, blocks: string[], holders: string[], issuer_keys: string[],
 *   grants: string[], users: {user: string, until: bigint}[], conversations: {user: string, conversation: string}[],
 *   issuer: string, v: bigint}} List
 */

/** A refusal of a list; its message is a word of "Refusals". */
export class Refusal extends Error {}

/** @param {unknown} ok @param {string} word */
function need(ok, word) {
  if (!ok) throw new Refusal(word);
}

const MAX_TEXT = 67_108_864;
const MAX_ENTRIES = 1_000_000;
/** RV-7. */
const MEMBERS = {
  ...{ v: 'integer', number: 'integer', created: 'integer', next: 'integer', issuer: 'string' },
  ...{ blocks: ['string'], holders: ['string'], grants: ['string'], issuer_keys: ['string'] },
  ...{ users: [{ until: 'integer', user: 'string' }], conversations: [{ conversation: 'string', user: 'string' }] },
};

/** RV-6 and RV-7. @param {Buffer} payload @returns {List} */
function readPayload(payload) {
  const json = parseJson(payload, () => fail('json_invalid'));
  need(json.t === 'obj', 'member_invalid');
  need(Buffer.from(jcs(json), 'utf8').equals(payload), 'not_canonical');
  const list = shaped(json, MEMBERS) ?? fail('member_invalid');
  const entries = [list.blocks, list.holders, list.grants, list.issuer_keys, list.users, list.conversations];
  need(entries.reduce((sum, array) => sum + array.length, 0) <= MAX_ENTRIES, 'limit_exceeded'); // RV-2
  return list;
}

/** @param {string} word @returns {never} */
function fail(word) {
  throw new Refusal(word);
}

/** RV-8 to RV-13. @param {List} list @param {string} issuer */
function checkList(list, issuer) {
  const { number, created, next, blocks, holders, issuer_keys: issuerKeys, grants, users, conversations } = list;
  need(list.v === 1n, 'version_unsupported'); // RV-8
  need(list.issuer === issuer, 'issuer_mismatch'); // RV-9
  need(number >= 1n && number <= MAX_SAFE, 'number_invalid'); // RV-10
  need(created >= 0n && created < next && next <= created + 604800n && next <= MAX_DATE, 'time_invalid'); // RV-11
  const names = [...grants, ...users.map(({ user }) => user), ...conversations.flatMap((row) => [row.user, row.conversation])];
  const formed =
    blocks.every((text) => decodeB64u(text)?.length === 16) &&
    holders.every((text) => decodeB64u(text)?.length === 32) &&
    issuerKeys.every((text) => /^ed25519\/[0-9a-f]{64}$/.test(text)) &&
    names.every((text) => byteLength(text) <= 1024) &&
    users.every(({ until }) => until >= 0n && until <= MAX_DATE);
  need(formed, 'entry_invalid'); // RV-12
  /** @template T @param {T[]} array @param {(a: T, b: T) => number} compare */
  const ascends = (array, compare) => array.every((item, i) => i === 0 || compare(array[i - 1], item) < 0);
  const ordered =
    [blocks, holders, issuerKeys, grants].every((array) => ascends(array, compareText)) &&
    ascends(users, (a, b) => compareText(a.user, b.user)) &&
    ascends(conversations, (a, b) => compareText(a.user, b.user) || compareText(a.conversation, b.conversation));
  need(ordered, 'order_invalid'); // RV-13
}

/** What a verifier has of one issuer. */
export class View {
  /** @param {string} issuer @param {string[]} keys those that may sign (RV-4) */
  constructor(issuer, keys) {
    this.issuer = issuer;
    this.keys = keys.map(parsePublic);
    /** @type {List|null} the list in force */
    this.list = null;
    /** @type {{number: bigint, hash: string}|null} stored durably (RV-20), like the two sets */
    this.last = null;
    /** @type {Set<string>} */
    this.keptHolders = new Set();
    /** @type {Set<string>} */
    this.keptKeys = new Set();
  }

  /** RV-20: what outlives a restart, and no list. */
  restart() {
    this.list = null;
  }

  /** Takes a list or throws a Refusal, which changes nothing (RV-19). @param {string} text @param {bigint} now */
  take(text, now) {
    need(text.length <= MAX_TEXT, 'limit_exceeded'); // RV-2
    const parts = text.split('.');
    const [payload, signature] = parts.map(decodeB64u);
    if (parts.length !== 2 || !payload || signature?.length !== 64) throw new Refusal('malformed'); // RV-1
    const signed = Buffer.concat([Buffer.from('countersign-revocations-v1\0'), payload]);
    const signer = this.keys.find((key) => verify(key, signed, signature));
    if (!signer) throw new Refusal('signature_invalid'); // RV-3
    need(!this.keptKeys.has(publicText(signer)), 'signer_revoked'); // RV-5
    const list = readPayload(payload);
    checkList(list, this.issuer);
    need(!list.issuer_keys.includes(publicText(signer)), 'signer_revoked'); // RV-5
    need(list.created <= now + SKEW, 'not_yet_valid'); // RV-14
    const hash = sha256(payload).toString('hex');
    if (this.last) {
      need(list.number >= this.last.number, 'rolled_back'); // RV-15
      need(list.number > this.last.number || hash === this.last.hash, 'number_reused'); // RV-16
    }
    this.last = { number: list.number, hash };
    this.list = list; // RV-17
    for (const holder of list.holders) this.keptHolders.add(holder); // RV-18
    for (const key of list.issuer_keys) this.keptKeys.add(key);
  }

  /** RV-21, RV-22. @param {bigint} now */
  fresh(now) {
    return this.list !== null && this.list.created <= now + SKEW && now <= this.list.next;
  }

  /** What the view revokes. */
  revoked() {
    const list = this.list;
    const sorted = (/** @type {Set<string>} */ kept) => (list ? [...kept].sort(compareText) : []);
    return {
      blocks: list?.blocks ?? [],
      holders: sorted(this.keptHolders),
      users: (list?.users ?? []).map(({ user, until }) => ({ user, until: Number(until) })),
      grants: list?.grants ?? [],
      conversations: list?.conversations ?? [],
      issuer_keys: sorted(this.keptKeys),
    };
  }
}

/** A vector of revocation/. @param {any} input */
export function runRevocation(input) {
  const view = new View(input.issuer, input.keys);
  const now = BigInt(input.now);
  for (const text of input.before ?? []) view.take(text, now);
  if (input.restarted) view.restart();
  let error = null;
  try {
    view.take(input.list, now);
  } catch (refusal) {
    if (!(refusal instanceof Refusal)) throw refusal;
    error = refusal.message;
  }
  const number = view.list && Number(view.list.number);
  return { result: error ? 'refuse' : 'accept', error, number, fresh: view.fresh(now), revoked: view.revoked() };
}
