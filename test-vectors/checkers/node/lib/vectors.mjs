// Runs the files of test-vectors/: reads them strictly, verifies, compares.

import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { decodeB64u } from './util.mjs';
import { Stores } from './approvals.mjs';
import { makeContext, verifyRequest } from './verify.mjs';
import { readMessage } from './message.mjs';
import { runJsonRpc } from './jsonrpc.mjs';
import { runRar } from './rar.mjs';
import { runRevocation } from './revocation.mjs';

/** @typedef {{onChecks?: import('./verify.mjs').Context['onChecks']}} Hooks */

/** What is known of a vector; a vector with anything else tests a condition that this runner would overlook. */
const ROW = ['method', 'path', 'type', 'resource', 'action', 'tool', 'urls', 'paths', 'scales', 'cost', 'read_body'];
const CONFIG = {
  ...{ audience: null, authorities: null, max_body_bytes: null },
  issuers: { issuer: null, keys: null },
  operations: { ...Object.fromEntries(ROW.map((name) => [name, null])), scales: '*', cost: '*' },
};
const LISTS = { blocks: null, holders: null, grants: null, conversations: null, issuer_keys: null };
const REVOKED = {
  ...LISTS,
  users: { issuer: null, user: null, before: null },
  grants: { issuer: null, grant: null },
  conversations: { issuer: null, user: null, conversation: null },
};
const DECISION = {
  ...{ result: null, stage: null, code: null, issuer: null, user: null, purpose: null, expires: null, right: null, binding: null },
  agents: { name: null, key_id: null, claimed_by: null },
};
const SENT = { message_b64u: null, request_b64u: null };

/** @type {Record<string, {input: any, expect: any, run: (input: any, hooks: Hooks) => any}>} */
export const FORMATS = {
  http: {
    input: { config: CONFIG, now: null, before: null, before_denied: null, revoked: REVOKED, authority: null, request_b64u: null },
    expect: DECISION,
    run: runHttp,
  },
  jsonrpc: {
    input: { config: CONFIG, mcp: { server: null, path: null, envelope: null }, now: null, revoked: REVOKED, before: SENT, sent: SENT },
    expect: DECISION,
    run: runJsonRpc,
  },
  rar: {
    input: { details: null, resource: null, purpose: null, max_duration: null },
    expect: {
      ...{ result: null, error: null, member: null },
      tokens: { audience: null, purpose: null, duration: null, rights: null, details: null },
    },
    run: runRar,
  },
  revocation: {
    input: { issuer: null, keys: null, now: null, before: null, restarted: null, list: null },
    expect: {
      ...{ result: null, error: null, number: null, fresh: null },
      revoked: { ...LISTS, users: { user: null, until: null }, conversations: { user: null, conversation: null } },
    },
    run: runRevocation,
  },
};
/** @type {Record<string, keyof FORMATS>} */
const FOLDERS = {
  ...{ request: 'http', token: 'http', chain: 'http', verify: 'http', checks: 'http', replay: 'http' },
  ...{ jsonrpc: 'jsonrpc', rar: 'rar', revocation: 'revocation' },
};

/** @param {any} value @param {any} known members, or null for a leaf, or '*' for any names @param {string} where */
function checkMembers(value, known, where) {
  if (known === null || known === '*') return;
  for (const item of Array.isArray(value) ? value : [value]) {
    if (item === null) continue;
    if (typeof item !== 'object') {
      if (Array.isArray(value)) continue; // a list of texts
      throw new Error(`${where} is no object`);
    }
    for (const [name, inner] of Object.entries(item)) {
      if (!Object.hasOwn(known, name)) throw new Error(`unknown member ${where}.${name}`);
      checkMembers(inner, known[name], `${where}.${name}`);
    }
  }
}

/** @param {string} text @returns {Buffer} */
export function b64u(text) {
  const bytes = decodeB64u(text);
  if (!bytes) throw new Error('not base64url in a vector');
  return bytes;
}

/** @param {any} input @param {Hooks} hooks */
function runHttp(input, hooks) {
  const context = makeContext(input.config, { now: input.now, stores: new Stores(), revoked: input.revoked, ...hooks });
  const quiet = { ...context, onChecks: undefined };
  /** @param {string} text @param {import('./verify.mjs').Context} used */
  const verify = (text, used) => verifyRequest(used, readMessage(b64u(text), input.authority));
  for (const [list, result] of [[input.before, 'allow'], [input.before_denied, 'deny']]) {
    for (const text of list ?? []) {
      const decision = verify(text, quiet);
      if (decision.result !== result) throw new Error(`before: not ${result} but ${decision.code}`);
    }
  }
  return verify(input.request_b64u, context);
}

/** What is compared: on deny the expectation has fewer members than a decision. @param {any} actual @param {any} expected */
function agrees(actual, expected) {
  const part = Object.fromEntries(Object.keys(expected).map((name) => [name, actual[name]]));
  return isDeepStrictEqual(part, expected);
}

/**
 * @param {string} root @param {(vector: any, folder: string) => Hooks} hooksFor
 * @returns {{total: number, failures: string[], folders: Map<string, [number, number]>, broken: string[]}}
 */
export function runAll(root, hooksFor) {
  /** @type {string[]} */
  const failures = [];
  /** @type {string[]} what is wrong with the files themselves */
  const broken = [];
  const folders = new Map();
  const ids = new Set();
  const present = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory() && entry.name !== 'checkers');
  for (const { name: folder } of present) {
    const format = FORMATS[FOLDERS[folder]];
    if (!format) {
      broken.push(`${folder}: unknown folder`);
      continue;
    }
    const counts = [0, 0];
    folders.set(folder, counts);
    const files = readdirSync(join(root, folder)).filter((name) => name.endsWith('.json')).sort();
    if (files.length === 0) broken.push(`${folder}: empty folder`);
    for (const file of files) {
      let content;
      try {
        content = JSON.parse(readFileSync(join(root, folder, file), 'utf8'));
        checkMembers(content, { comment: null, vectors: null }, file);
        if (!content.vectors?.length) throw new Error('empty file');
      } catch (error) {
        broken.push(`${folder}/${file}: ${/** @type {Error} */ (error).message}`);
        continue;
      }
      for (const vector of content.vectors) {
        counts[0] += 1;
        const problem = runOne(vector, folder, format, ids, hooksFor);
        if (problem === null) counts[1] += 1;
        else failures.push(`${vector.id}: ${problem}`);
      }
    }
  }
  if (folders.size === 0) broken.push(`${root}: no folder of vectors`);
  return { total: [...folders.values()].reduce((sum, [all]) => sum + all, 0), failures, folders, broken };
}

/**
 * @param {any} vector @param {string} folder @param {FORMATS[string]} format @param {Set<string>} ids
 * @param {(vector: any, folder: string) => Hooks} hooksFor @returns {string|null} what is wrong
 */
function runOne(vector, folder, format, ids, hooksFor) {
  try {
    const { input, expect } = format;
    checkMembers(vector, { id: null, req: null, flags: null, comment: null, input, expect }, 'vector');
    if (!vector.id.startsWith(`${folder}/`) || ids.has(vector.id)) throw new Error('id of another folder, or twice');
    ids.add(vector.id);
    const actual = format.run(vector.input, hooksFor(vector, folder));
    if (agrees(actual, vector.expect)) return null;
    return `expected ${JSON.stringify(vector.expect)}, got ${JSON.stringify(actual)}`;
  } catch (error) {
    return /** @type {Error} */ (error).stack ?? 'failed';
  }
}
