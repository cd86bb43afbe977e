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

/** @param {string[]} args @returns {Promise<number>} the exit code */
export async function main(args) {
  const [command, ...rest] = args;
  try {
    const { values, positionals } = parseArgs({
      args: rest,
      allowPositionals: true,
      options: {
        ...{ key: { type: 'string' }, next: { type: 'string' }, token: { type: 'string' }, authority: { type: 'string' } },
        ...{ method: { type: 'string' }, target: { type: 'string' }, header: { type: 'string', multiple: true } },
        ...{ seed: { type: 'string' }, count: { type: 'string' }, out: { type: 'string' } },
        ...{ body: { type: 'string' }, created: { type: 'string' }, expires: { type: 'string' }, nonce: { type: 'string' } },
        ...{ label: { type: 'string' }, 'token-field': { type: 'boolean' }, 'no-engine': { type: 'boolean' } },
      },
    });
    const [first] = positionals;
    const description = () => JSON.parse(readInput(first).toString('utf8'));
    switch (command) {
      case 'run':
        if (first === undefined) throw new Misuse('no DIR');
        return await run(first, values['no-engine'] !== true);
      case 'make': {
        const { seed = '', count = '', out } = values;
        if (!/^[0-9]+$/.test(seed) || !/^[1-9][0-9]*$/.test(count) || !out) throw new Misuse('make needs --seed, --count and --out');
        make(seed, Number(count), out);
        return 0;
      }
      case 'mint':
        console.log(mint(description(), seedOf(values.key, 'key'), nextOf(values.next)));
        return 0;
      case 'restrict':
        console.log(restrict(tokenOf(values.token), description(), nextOf(values.next)));
        return 0;
      case 'delegate':
        console.log(delegate(tokenOf(values.token), description(), seedOf(values.key, 'key'), nextOf(values.next)));
        return 0;
      case 'seal':
        console.log(seal(tokenOf(first)));
        return 0;
      case 'read':
        console.log(JSON.stringify(showToken(decodeToken(tokenOf(first))), null, 2));
        return 0;
      case 'sign': {
        if (!values.authority) throw new Misuse('no --authority');
        const created = Number(values.created ?? Math.floor(Date.now() / 1000));
        process.stdout.write(
          signRequest({
            ...{ token: tokenOf(values.token), key: seedOf(values.key, 'key'), authority: values.authority },
            ...{ method: values.method ?? 'GET', target: values.target ?? '/', headers: (values.header ?? []).map(headerOf) },
            ...{ body: values.body === undefined ? Buffer.alloc(0) : readInput(values.body), created },
            ...{ expires: Number(values.expires ?? created + 60), label: values.label ?? 'countersign' },
            ...{ nonce: values.nonce === undefined ? randomBytes(16) : Buffer.from(values.nonce, 'hex') },
            tokenField: values['token-field'] === true,
          }),
        );
        return 0;
      }
      default:
        console.error(USAGE);
        return 2;
    }
  } catch (error) {
    const { code, message } = /** @type {any} */ (error);
    if (error instanceof Denial || error instanceof Misuse) console.error(`checker: ${message}`);
    else if (String(code).startsWith('ERR_PARSE_ARGS')) console.error(`checker: ${message}\n${USAGE}`);
    else if (error instanceof SyntaxError || ['ENOENT', 'ERR_MODULE_NOT_FOUND'].includes(code)) console.error(`checker: ${message}`);
    else throw error;
    return 2;
  }
}

/** @param {string} directory @param {boolean} withEngine @returns {Promise<number>} */
async function run(directory, withEngine) {
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
