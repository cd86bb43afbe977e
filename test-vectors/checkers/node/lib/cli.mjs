// The commands (README.md in this folder).

import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Denial, Misuse } from './util.mjs';
import { parsePublic, parseSeed } from './ed25519.mjs';
import { decodeToken } from './token.mjs';
import { delegate, mint, reencode, restrict, seal, signRequest } from './build.mjs';
import { showToken } from './show.mjs';
import { runAll } from './vectors.mjs';
import { make } from './make.mjs';
import { Engine } from './engine.mjs';

const USAGE = `usage: checker.mjs run [--no-engine] DIR
       checker.mjs make --seed N --count K --out DIR
       checker.mjs mint --key KEY [--next KEY] [CLAIMS.json]
       checker.mjs restrict --token TOKEN [--next KEY] [RESTRICTIONS.json]
       checker.mjs delegate --token TOKEN --key KEY [--next KEY] [DELEGATION.json]
       checker.mjs seal TOKEN
       checker.mjs sign --token TOKEN --key KEY --authority HOST [--method GET] [--target /] [--header 'Name: value']…
                        [--body FILE] [--created SECONDS] [--expires SECONDS] [--nonce HEX] [--label NAME] [--token-field]
       checker.mjs read TOKEN
KEY is a seed of 64 hexadecimal digits, the raw form cs_sk_…, or a PEM file. A JSON description without a name, and TOKEN given as -, are
read from standard input.`;

/** @param {string|undefined} path @returns {Buffer} */
const readInput = (path) => readFileSync(path === undefined || path === '-' ? 0 : path);

/** @param {string|undefined} text @returns {string} */
function tokenOf(text) {
  if (text === undefined) throw new Misuse('no token');
  return text === '-' ? readInput('-').toString('latin1').trim() : text;
}

/** @param {string|undefined} text @param {string} what @returns {Buffer} */
function seedOf(text, what) {
  if (text === undefined) throw new Misuse(`no --${what}`);
  return parseSeed(/^(?:[0-9a-fA-F]{64}|cs_sk_.*)$/.test(text) ? text : readFileSync(text, 'utf8'));
}

/** @param {string|undefined} text @returns {Buffer} */
const nextOf = (text) => (text === undefined ? randomBytes(32) : seedOf(text, 'next'));

/** @param {string} text @returns {[string, string]} */
function headerOf(text) {
  const at = text.indexOf(':');
  if (at < 1) throw new Misuse('a header is NAME: VALUE');
  return [text.slice(0, at), Buffer.from(text.slice(at + 1).trim(), 'utf8').toString('latin1')];
}

/** @typedef {Record<string, any>} Values of the options */

/** @param {string|undefined} first @returns {any} */
const description = (first) => JSON.parse(readInput(first).toString('utf8'));

/** @param {Values} values @returns {Buffer} */
function signed(values) {
  const created = Number(values.created ?? Math.floor(Date.now() / 1000));
  if (!values.authority) throw new Misuse('no --authority');
  return signRequest({
    ...{ token: tokenOf(values.token), key: seedOf(values.key, 'key'), authority: values.authority, tokenField: values['token-field'] === true },
    ...{ method: values.method ?? 'GET', target: values.target ?? '/', headers: (values.header ?? []).map(headerOf) },
    ...{ created, expires: Number(values.expires ?? created + 60), label: values.label ?? 'countersign' },
    body: values.body === undefined ? Buffer.alloc(0) : readInput(values.body),
    nonce: values.nonce === undefined ? randomBytes(16) : Buffer.from(values.nonce, 'hex'),
  });
}

/** @param {Values} values */
function makeFiles({ seed = '', count = '', out }) {
  if (!/^[0-9]+$/.test(seed) || !/^[1-9][0-9]*$/.test(count) || !out) throw new Misuse('make needs --seed, --count and --out');
  make(seed, Number(count), out);
}

/** What each command prints or, where that is a number, exits with. @type {Record<string, (values: Values, first: string|undefined) => any>} */
const COMMANDS = {
  run: (values, first) => run(first, values['no-engine'] !== true),
  make: (values) => makeFiles(values),
  mint: (values, first) => mint(description(first), seedOf(values.key, 'key'), nextOf(values.next)),
  restrict: (values, first) => restrict(tokenOf(values.token), description(first), nextOf(values.next)),
  delegate: (values, first) => delegate(tokenOf(values.token), description(first), seedOf(values.key, 'key'), nextOf(values.next)),
  seal: (_, first) => seal(tokenOf(first)),
  sign: (values) => signed(values),
  read: (_, first) => JSON.stringify(showToken(decodeToken(tokenOf(first))), null, 2),
};
const TEXTS = ['key', 'next', 'token', 'authority', 'method', 'target', 'body', 'created', 'expires', 'nonce', 'label', 'seed', 'count', 'out'];
/** @type {import('node:util').ParseArgsConfig['options']} */
const OPTIONS = {
  ...Object.fromEntries(TEXTS.map((name) => /** @type {const} */ ([name, { type: 'string' }]))),
  ...{ header: { type: 'string', multiple: true }, 'token-field': { type: 'boolean' }, 'no-engine': { type: 'boolean' } },
};

/** @param {string[]} args @returns {Promise<number>} the exit code */
export async function main([name, ...args]) {
  try {
    const { values, positionals } = parseArgs({ args, allowPositionals: true, options: OPTIONS });
    if (!Object.hasOwn(COMMANDS, name ?? '')) throw new Misuse(`which command?\n${USAGE}`);
    const result = await COMMANDS[name](values, positionals[0]);
    if (typeof result === 'number') return result;
    if (result !== undefined) process.stdout.write(typeof result === 'string' ? `${result}\n` : result);
    return 0;
  } catch (error) {
    const { code, message } = /** @type {any} */ (error);
    const usage = String(code).startsWith('ERR_PARSE_ARGS');
    const known = usage || error instanceof Denial || error instanceof Misuse || error instanceof SyntaxError;
    if (!known && !['ENOENT', 'ERR_MODULE_NOT_FOUND'].includes(code)) throw error;
    console.error(`checker: ${message}${usage ? `\n${USAGE}` : ''}`);
    return 2;
  }
}

/** @param {string|undefined} directory @param {boolean} withEngine @returns {Promise<number>} the exit code */
async function run(directory, withEngine) {
  if (directory === undefined) throw new Misuse('no DIR');
  const modules = process.env.COUNTERSIGN_CHECKER_MODULES ?? fileURLToPath(new URL('../node_modules', import.meta.url));
  const engine = withEngine ? await Engine.open(modules) : null;
  const again = { tokens: 0, differ: 0 };
  const { total, failures, folders, broken } = runAll(directory, (vector) => ({
    onChecks: (token, evaluator, code) => {
      again.tokens += 1;
      if (!reencode(token).equals(token.bytes)) again.differ += 1;
      const issuer = vector.input.config.issuers.find((/** @type {any} */ row) => row.issuer === token.issuer);
      engine?.compare(vector.id, token, issuer.keys.map(parsePublic), evaluator, code);
    },
  }));
  for (const line of [...broken, ...failures]) console.log(`FAIL ${line}`);
  for (const [folder, [all, passed]] of folders) console.log(`${folder}: ${passed} of ${all}`);
  for (const line of engine?.report() ?? ['engine: not asked']) console.log(line);
  console.log(`encoder: ${again.tokens} tokens encoded again, ${again.differ} differ`);
  console.log(`${total} vectors, ${total - failures.length} passed, ${failures.length} failed`);
  return failures.length || broken.length || engine?.differences.length || again.differ ? 1 : 0;
}
