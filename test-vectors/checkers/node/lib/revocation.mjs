// Revocation lists (revocation.md): reading one, taking it, and what a view says.

import { MAX_DATE, MAX_SAFE, SKEW, byteLength, compareText, decodeB64u, sha256 } from './util.mjs';
import { JsonError, integer, jcs, parseJson } from './json.mjs';
import { parsePublic, publicText, verify } from './ed25519.mjs';

/**
 * @typedef {{number: bigint, created: bigint, next: bigint, blocks: string[], holders: string[], issuerKeys: string[],
 *   grants: string[], users: {user: string, until: bigint}[], conversations: {user: string, conversation: string}[],
 *   issuer: string, version: bigint}} List
 */

/** A refusal of a list; its message is a word of "Refusals". */
export class Refusal extends Error {}

/** @param {unknown} ok @param {string} word */
function need(ok, word) {
  if (!ok) throw new Refusal(word);
}

const MAX_TEXT = 67_108_864;
const MAX_ENTRIES = 1_000_000;
const MEMBERS = 'blocks,conversations,created,grants,holders,issuer,issuer_keys,next,number,users,v';

/** RV-6 and RV-7. @param {Buffer} payload @returns {List} */
function readPayload(payload) {
  let json;
  try {
    json = parseJson(payload);
  } catch (error) {
    if (error instanceof JsonError) throw new Refusal('json_invalid');
    throw error;
  }
  need(json.t === 'obj', 'member_invalid');
  need(Buffer.from(jcs(json), 'utf8').equals(payload), 'not_canonical');
  const members = json.t === 'obj' ? json.members : [];
  need(members.map(([name]) => name).join() === MEMBERS, 'member_invalid');
  const values = new Map(members);
  /** @param {import('./json.mjs').Json|undefined} value @returns {bigint} */
  const int = (value) => integer(value) ?? fail();
  /** @param {import('./json.mjs').Json|undefined} value @returns {string} */
  const str = (value) => (value?.t === 'str' ? value.v : fail());
  /** @param {string} name */
  const items = (name) => {
    const value = values.get(name);
    return value?.t === 'arr' ? value.items : fail();
  };
  /** @param {import('./json.mjs').Json} value @param {string} names @returns {import('./json.mjs').Json[]} */
  const row = (value, names) => {
    if (value.t !== 'obj' || value.members.map(([name]) => name).join() !== names) return fail();
    return value.members.map(([, inner]) => inner);
  };
  const list = {
    ...{ version: int(values.get('v')), number: int(values.get('number')), issuer: str(values.get('issuer')) },
    ...{ created: int(values.get('created')), next: int(values.get('next')) },
    ...{ blocks: items('blocks').map(str), holders: items('holders').map(str), grants: items('grants').map(str) },
    issuerKeys: items('issuer_keys').map(str),
    users: items('users').map((value) => row(value, 'until,user')).map(([until, user]) => ({ until: int(until), user: str(user) })),
    conversations: items('conversations')
      .map((value) => row(value, 'conversation,user'))
      .map(([conversation, user]) => ({ conversation: str(conversation), user: str(user) })),
  };
  const entries = [list.blocks, list.holders, list.grants, list.issuerKeys, list.users, list.conversations];
  need(entries.reduce((sum, array) => sum + array.length, 0) <= MAX_ENTRIES, 'limit_exceeded'); // RV-2
  return list;
}

/** @returns {never} */
function fail() {
  throw new Refusal('member_invalid');
}

/** RV-8 to RV-13. @param {List} list @param {string} issuer */
function checkList(list, issuer) {
  const { number, created, next, blocks, holders, issuerKeys, grants, users, conversations } = list;
  need(list.version === 1n, 'version_unsupported'); // RV-8
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
    need(!list.issuerKeys.includes(publicText(signer)), 'signer_revoked'); // RV-5
    need(list.created <= now + SKEW, 'not_yet_valid'); // RV-14
    const hash = sha256(payload).toString('hex');
    if (this.last) {
      need(list.number >= this.last.number, 'rolled_back'); // RV-15
      need(list.number > this.last.number || hash === this.last.hash, 'number_reused'); // RV-16
    }
    this.last = { number: list.number, hash };
    this.list = list; // RV-17
    for (const holder of list.holders) this.keptHolders.add(holder); // RV-18
    for (const key of list.issuerKeys) this.keptKeys.add(key);
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
