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
import { check } from './schema.mjs';

/** @typedef {{onChecks?: import('./verify.mjs').Context['onChecks']}} Hooks */

const SCHEMA = JSON.parse(readFileSync(new URL('../../../schema.json', import.meta.url), 'utf8'));
/** What runs a vector, by its form in schema.json. @type {Record<string, (input: any, hooks: Hooks) => any>} */
export const RUN = { vector: runHttp, rpc_vector: runJsonRpc, rar_vector: runRar, list_vector: runRevocation };
/** @type {Record<string, string>} */
const FOLDERS = {
  ...{ request: 'vector', token: 'vector', chain: 'vector', verify: 'vector', checks: 'vector', replay: 'vector' },
  ...{ jsonrpc: 'rpc_vector', rar: 'rar_vector', revocation: 'list_vector' },
};

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
 * @param {string} root @param {(vector: any) => Hooks} hooksFor
 * @returns {{total: number, failures: string[], folders: Map<string, [number, number]>, broken: string[]}} `broken`: what is
 *   wrong with the files themselves
 */
export function runAll(root, hooksFor) {
  /** @type {string[][]} */
  const [failures, broken] = [[], []];
  const folders = new Map();
  const ids = new Set();
  const present = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory() && !['checkers', 'knockout', 'mutants'].includes(entry.name));
  for (const { name: folder } of present) {
    const counts = [0, 0];
    folders.set(folder, counts);
    const files = readdirSync(join(root, folder)).filter((name) => name.endsWith('.json')).sort();
    if (files.length === 0) broken.push(`${folder}: empty folder`);
    for (const file of files) {
      for (const vector of readVectors(join(root, folder, file), broken)) {
        counts[0] += 1;
        const problem = runOne(vector, folder, ids, hooksFor);
        if (problem === null) counts[1] += 1;
        else failures.push(`${vector.id}: ${problem}`);
      }
    }
  }
  if (folders.size === 0) broken.push(`${root}: no folder of vectors`);
  return { total: [...folders.values()].reduce((sum, [all]) => sum + all, 0), failures, folders, broken };
}

/** @param {string} path @param {string[]} broken @returns {any[]} */
function readVectors(path, broken) {
  try {
    const content = JSON.parse(readFileSync(path, 'utf8'));
    const { items, ...list } = SCHEMA.properties.vectors; // the vectors are looked at one by one
    const problem = check(content, { ...SCHEMA, properties: { ...SCHEMA.properties, vectors: list } }, SCHEMA);
    if (problem) throw new Error(problem);
    return content.vectors;
  } catch (error) {
    broken.push(`${path}: ${/** @type {Error} */ (error).message}`);
    return [];
  }
}

/**
 * @param {any} vector @param {string} folder @param {Set<string>} ids @param {(vector: any) => Hooks} hooksFor
 * @returns {string|null} what is wrong
 */
function runOne(vector, folder, ids, hooksFor) {
  try {
    const form = FOLDERS[folder];
    if (!form) throw new Error('unknown folder');
    const problem = check(vector, SCHEMA.$defs[form], SCHEMA);
    if (problem) throw new Error(`not by schema.json: ${problem}`);
    if (!vector.id.startsWith(`${folder}/`) || ids.has(vector.id)) throw new Error('id of another folder, or twice');
    ids.add(vector.id);
    const actual = RUN[form](vector.input, hooksFor(vector));
    if (agrees(actual, vector.expect)) return null;
    return `expected ${JSON.stringify(vector.expect)}, got ${JSON.stringify(actual)}`;
  } catch (error) {
    return /** @type {Error} */ (error).stack ?? 'failed';
  }
}
