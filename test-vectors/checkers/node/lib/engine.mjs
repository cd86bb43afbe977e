// A second opinion: the Biscuit engine (biscuit-wasm) over the same token and facts, and only allow or deny compared.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { showTerm } from './show.mjs';

/**
 * @typedef {import('./token.mjs').Token} Token
 * @typedef {import('./evaluate.mjs').Evaluator} Evaluator
 */

const LIMITS = { max_facts: 1_000_000, max_iterations: 1_000_000, max_time_micro: 120_000_000 };

/** The package is written for bundlers; this does what they do. @param {string} modules a node_modules @returns {Promise<any>} */
async function load(modules) {
  const root = join(modules, '@biscuit-auth/biscuit-wasm/module');
  /** @param {string} path @returns {Promise<any>} */
  const part = (path) => import(pathToFileURL(join(root, path)).href);
  const glue = await part('biscuit_bg.js');
  const wasm = new WebAssembly.Module(readFileSync(join(root, 'biscuit_bg.wasm')));
  /** @type {Record<string, any>} */
  const imports = {};
  for (const { module } of WebAssembly.Module.imports(wasm)) imports[module] ??= await part(module);
  const instance = new WebAssembly.Instance(wasm, imports);
  glue.__wbg_set_wasm(instance.exports);
  const log = console.log;
  console.log = () => {}; // it greets
  try {
    /** @type {any} */ (instance.exports).__wbindgen_start();
  } finally {
    console.log = log;
  }
  return glue;
}

export class Engine {
  /** @param {any} biscuit */
  constructor(biscuit) {
    this.biscuit = biscuit;
    this.compared = 0;
    /** @type {string[]} */
    this.differences = [];
    /** @type {Map<string, number>} vectors that were left out, by reason */
    this.leftOut = new Map();
  }

  /** @param {string} modules */
  static async open(modules) {
    return new Engine(await load(modules));
  }

  /** @param {string} reason */
  leave(reason) {
    this.leftOut.set(reason, (this.leftOut.get(reason) ?? 0) + 1);
  }

  /**
   * @param {string} id of the vector @param {Token} token @param {Buffer[]} roots @param {Evaluator} evaluator
   * @param {string|null} code what the checks came to here
   */
  compare(id, token, roots, evaluator, code) {
    if (evaluator.outside) {
      this.leave(code === 'limit_exceeded' ? 'work exhausted' : 'arguments poisoned, not declared or not extracted');
      return;
    }
    const verdict = this.authorize(token, roots, evaluator);
    if (verdict.startsWith('cannot')) {
      this.leave(verdict);
      return;
    }
    this.compared += 1;
    const own = code === null ? 'allow' : 'deny';
    if (own !== verdict) this.differences.push(`${id}: ${own} here, ${verdict} by the engine`);
  }

  /** @param {Token} token @param {Buffer[]} roots @param {Evaluator} evaluator @returns {string} allow, deny, or why neither */
  authorize(token, roots, evaluator) {
    const { Biscuit, PublicKey, AuthorizerBuilder, SignatureAlgorithm } = this.biscuit;
    let biscuit = null;
    for (const root of roots) {
      try {
        biscuit = Biscuit.fromBytes(token.bytes, PublicKey.fromBytes(root, SignatureAlgorithm.Ed25519));
        break;
      } catch (error) {
        if (root === roots[roots.length - 1]) return `cannot be read by the engine: ${JSON.stringify(error)}`;
      }
    }
    const builder = new AuthorizerBuilder();
    for (const [name, rows] of evaluator.facts) for (const row of rows) builder.addFact(this.fact(name, row));
    builder.addCode('allow if true;');
    const authorizer = builder.buildAuthenticated(biscuit);
    try {
      authorizer.authorizeWithLimits(LIMITS);
      return 'allow';
    } catch (error) {
      const known = /** @type {any} */ (error);
      if (known?.RunLimit) return `cannot be run: ${JSON.stringify(error)}`;
      if (known?.FailedLogic || known?.Execution) return 'deny';
      throw new Error(`engine: ${JSON.stringify(error)}`);
    } finally {
      authorizer.free();
      biscuit.free();
    }
  }

  /** @param {string} name @param {import('./symbols.mjs').Term[]} terms */
  fact(name, terms) {
    // Strings go in as parameters; the binding takes no bytes and no 64-bit integers as parameters, so those are written.
    const written = terms.map((term, i) => (term.k === 'string' ? `{p${i}}` : showTerm(term)));
    const fact = this.biscuit.Fact.fromString(`${name}(${written.join(', ')})`);
    terms.forEach((term, i) => term.k === 'string' && fact.set(`p${i}`, term.v));
    return fact;
  }

  /** @returns {string[]} */
  report() {
    const lines = this.differences.map((line) => `FAIL engine: ${line}`);
    for (const [reason, count] of this.leftOut) lines.push(`engine: ${count} left out: ${reason}`);
    return [...lines, `engine: ${this.compared} verdicts compared, ${this.differences.length} differ`];
  }
}
