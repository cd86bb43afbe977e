// Makes vectors: random requests and messages with tokens of their own, allowed by this verifier, and tampered twins of some.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Denial, encodeB64u, encodeUtf8, fromBinary, sha256 } from './util.mjs';
import { jcs, toJson } from './json.mjs';
import { keyId, publicOf, publicText, sign } from './ed25519.mjs';
import { MAX_BYTES, decodeToken } from './token.mjs';
import { delegate, mint, restrict, seal, signRequest } from './build.mjs';
import { NAMES, PLURALS, toChecks } from './restrictions.mjs';
import { covers, mapOperation, operationDigest, serviceFor } from './operation.mjs';
import { costOf } from './approvals.mjs';
import { hostOf } from './derived.mjs';
import { Evaluator } from './evaluate.mjs';
import { mapCall, signedBytes } from './jsonrpc.mjs';
import { RUN } from './vectors.mjs';
import { Random } from './random.mjs';

/**
 * @typedef {import('./json.mjs').Json} Json
 * @typedef {import('./restrictions.mjs').Restriction} Restriction
 * @typedef {{evaluator: Evaluator, canonical: string}} View what checks see of an operation, and what an approver does
 * @typedef {{id: string, kind: 'http'|'message'|'mcp', config: any, mcp: any, revoked: any, h2: boolean, root: string,
 *   signer: string, open: boolean, claims: any, steps: any[], call: any, created: number, expires: number, label: string,
 *   nonce: number, before: number, replay: boolean, approvals: string[][], late: boolean, spoilToken: boolean,
 *   edit: (text: string) => string}} Recipe all that a vector is made of; what is made of it is determined
 */

const NOW = 1795453200;
const ISSUER = 'https://hub.example';
const OTHER_ISSUER = 'https://other.example';
const ENVELOPE = 'dev.countersign/request';

/** Test keys, of one vector each. @param {Recipe} recipe @param {string} name */
const seedOf = ({ id }, name) => sha256(`countersign test key: ${id} ${name}`);
/** @param {Recipe} recipe @param {string} name */
const publicKey = (recipe, name) => publicOf(seedOf(recipe, name));
/** @param {Recipe} recipe @param {string} name */
const keyText = (recipe, name) => publicText(publicKey(recipe, name));
/** Facts and rows of a kind that must not repeat. @param {any[]} rows */
const distinct = (rows) => [...new Map(rows.map((row) => [JSON.stringify(row), row])).values()];

// ---- From a recipe to a vector's input

/** @param {Recipe} recipe @returns {string} */
function tokenText(recipe) {
  let text = mint(recipe.claims, seedOf(recipe, recipe.root), seedOf(recipe, 'next'));
  let holders = 0;
  recipe.steps.forEach((step, i) => {
    const next = seedOf(recipe, `next ${i}`);
    if (step.delegate) text = delegate(text, step, seedOf(recipe, `holder ${holders++}`), next);
    else if (step.restrictions.length) text = restrict(text, step, next);
  });
  if (recipe.open) return text;
  const bytes = Buffer.from(seal(text), 'base64url');
  if (recipe.spoilToken) bytes[bytes.length - 9] ^= 1;
  if (bytes.length > MAX_BYTES) throw new Denial(1, 'limit_exceeded');
  return encodeB64u(bytes);
}

/**
 * The text of a JSON-RPC message, with an envelope where it has one.
 * @param {Recipe} recipe @param {any} call @param {Buffer} key @param {string} token @param {Buffer} nonce
 */
function messageText({ id, created, expires, late }, call, key, token, nonce) {
  const { method, params, envelope, service } = call;
  const fields = { v: 1, token, service, created, expires, nonce: encodeB64u(nonce), keyid: keyId(publicOf(key)) };
  /** @param {any} added to `_meta` @returns {Json} */
  const withMeta = (added) => {
    const meta = [...call.meta, ...Object.entries(added).map(([name, value]) => [name, toJson(value)])];
    return { t: 'obj', members: meta.length ? [...params, ['_meta', { t: 'obj', members: meta }]] : params };
  };
  const sig = encodeB64u(sign(key, signedBytes({ method, params: withMeta({ [ENVELOPE]: fields }) })));
  const whole = withMeta({ ...(envelope ? { [ENVELOPE]: { ...fields, sig } } : {}), ...(late ? { late: true } : {}) });
  const head = Object.entries({ jsonrpc: '2.0', id: call.id, method }).filter(([, value]) => value !== undefined);
  const members = head.map(([name, value]) => /** @type {[string, Json]} */ ([name, toJson(value)]));
  return new Random(id).spell({ t: 'obj', members: [...members, ['params', whole]] });
}

/** One request or message of a recipe. @param {Recipe} recipe @param {string} token @param {number} n of those with this token @returns {any} */
function sent(recipe, token, n) {
  const { id, call, kind, created, expires, label, edit } = recipe;
  const key = seedOf(recipe, recipe.signer);
  /** @param {string} use */
  const nonce = (use) => sha256(`${id} ${use} ${n}`, 'nonce').subarray(0, recipe.nonce);
  const text = () => messageText(recipe, call.message ?? call, key, token, nonce('message'));
  if (kind === 'message') return { message_b64u: encodeB64u(encodeUtf8(edit(text()))) };
  const approvals = (recipe.approvals[n] ?? []).map((value) => ['Countersign-Approval', value]);
  const message = signRequest({
    ...{ ...call, token, key, headers: [...call.headers, ...approvals], body: call.body ?? encodeUtf8(text()) },
    ...{ created, expires, nonce: nonce('request'), label, arrange: (components) => new Random(id).shuffle(components) },
  });
  return { request_b64u: encodeB64u(fromBinary(edit(message.toString('latin1')))) };
}

/** @param {Recipe} recipe @returns {any} the input of a vector */
function inputOf(recipe) {
  const token = tokenText(recipe);
  const all = Array.from({ length: recipe.before + 1 }, (_, n) => sent(recipe, token, n));
  const last = all[recipe.before];
  const before = recipe.replay ? all : all.slice(0, -1);
  const shared = { config: recipe.config, now: NOW, ...(recipe.revoked ? { revoked: recipe.revoked } : {}) };
  if (recipe.kind !== 'http') return { ...shared, mcp: recipe.mcp, ...(before.length ? { before } : {}), sent: last };
  const texts = before.map(({ request_b64u: text }) => text);
  return { ...shared, ...(texts.length ? { before: texts } : {}), ...(recipe.h2 ? { authority: recipe.call.authority } : {}), ...last };
}

/** What this verifier says. @param {Recipe} recipe @param {any} input @param {(view: View) => void} [look] */
function decide({ kind }, input, look) {
  const run = RUN[kind === 'http' ? 'vector' : 'rpc_vector'];
  return run(input, { onChecks: (_, evaluator, code, canonical) => look?.({ evaluator, canonical: canonical() }) });
}

// ---- Restrictions

/** @param {number} number */
const safe = (number) => Math.max(-Number.MAX_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, number));

/** A restriction that may or may not hold. @param {Random} random @param {View} view @returns {Restriction} */
function anyRestriction(random, { evaluator: { facts, args } }) {
  /** @param {string} name @returns {any} */
  const fact = (name) => facts.get(name)?.[0][0].v ?? random.text();
  const name = random.pick(NAMES);
  const guard = random.chance(50) ? [fact('type'), fact('action')] : [random.text(), random.pick([fact('action'), random.text()])];
  const when = random.chance(30) ? { when: /** @type {[string, string]} */ (guard) } : {};
  /** @param {any[]} values */
  const among = (values) => random.shuffle([...values, ...random.times(0, 2, () => random.text())]);
  if (PLURALS[name]) return { name, values: among([fact(PLURALS[name])]), ...when };
  if (name === 'expires_by') return { name, values: [NOW + random.between(-9, 99999)], ...when };
  if (name === 'not_before') return { name, values: [NOW + random.between(-99999, 9)], ...when };
  if (name === 'resource_is') return { name, values: [fact('resource')], ...when };
  if (name === 'resource_under') return { name, values: [random.pick([...above(fact('resource')), '/'])], ...when };
  if (name === 'args_only') return { name, values: among(random.chance(80) ? args.names : args.names.slice(1)).concat('/to'), ...when };

  const integers = args.values.flatMap((item) => (item.value.k === 'integer' ? [item.name] : []));
  const suited = { arg_host_in: [...args.urls], arg_under: [...args.paths], arg_at_most: integers, arg_at_least: integers }[name] ?? args.names;
  const arg = random.chance(85) && suited.length ? random.pick(suited) : random.pick(['/to', 'query.q', 'path.a', random.text()]);
  const held = args.values.filter((item) => item.name === arg).map(({ value }) => (value.k === 'integer' ? Number(value.v) : value.v));
  const sample = held.length ? random.pick(held) : random.pick([random.text(), 5, true]);
  const characters = [...String(sample)];
  const cut = random.between(0, characters.length);
  const number = typeof sample === 'number' ? sample : 0;
  const path = String(sample).split('/').slice(0, random.between(1, 3)).join('/') + random.pick(['', '/']);
  /** @type {Record<string, any[]>} */
  const values = {
    arg_is: [sample],
    arg_in: typeof sample === 'string' ? among(held.filter((value) => typeof value === 'string')).concat(sample) : [sample, ...held],
    arg_starts_with: [characters.slice(0, cut).join('')],
    arg_ends_with: [characters.slice(cut).join('')],
    arg_at_most: [safe(number + random.between(-3, 99))],
    arg_at_least: [safe(number - random.between(-3, 99))],
    arg_under: [path === '' ? '/' : path],
    arg_host_in: among([hostOf(String(sample)) ?? random.text()]),
  };
  return { name, arg, ...(values[name] ? { values: values[name].filter((value) => typeof value === typeof values[name][0]) } : {}), ...when };
}

/** Locations that cover a resource. @param {string} resource @returns {string[]} */
function above(resource) {
  const ends = [...resource.matchAll(/\/|$/g)].flatMap(({ index }) => [resource.slice(0, index), resource.slice(0, index + 1)]);
  return [...new Set(ends)].filter((location) => covers(location, resource));
}

/** A restriction that holds or does not, as `wanted`. @param {Random} random @param {View} view @param {boolean} wanted @returns {Restriction} */
function restriction(random, view, wanted) {
  for (;;) {
    const made = anyRestriction(random, view);
    const { facts, args } = view.evaluator;
    try {
      new Evaluator(facts, args).run(toChecks(made));
      if (wanted) return made;
    } catch (error) {
      if (!(error instanceof Denial)) throw error;
      if (!wanted) return made;
    }
  }
}

// ---- Recipes

/** A URL path and an entry that maps it. @param {Random} random @param {string} base path of an audience @param {string} method */
function route(random, base, method) {
  const segments = random.times(1, 4, () => random.segment());
  if (random.chance(10)) segments.push('');
  const path = `${base.replace(/\/$/, '')}/${segments.join('/')}`;
  const names = ['a', 'b_2', 'id', '0', 'z', 'y', 'x', 'w', 'v'];
  const template = path.split('/').map((segment, i) => (segment && random.chance(40) ? `{${names[i]}}` : segment)).join('/');
  const variables = [...template.matchAll(/\{\w+\}/g)].map(([name]) => name);
  const places = random.shuffle([...random.some(variables), random.segment(), random.segment()]).join('/');
  const declared = { urls: [], paths: [], scales: {} };
  const row = {
    ...{ method, path: template, type: random.text(), resource: random.pick([template, places, `/${places}`]), action: random.text() },
    ...(random.chance(20) ? { tool: random.text() } : {}),
  };
  return { path, declared, row };
}

/** @param {Random} random @returns {[string, string][]} fields that are signed, in any order */
function otherHeaders(random) {
  const headers = /** @type {[string, string][]} */ ([
    ['X-Note', 'a, b;c="d"'], ['x-twice', '1'], ['X-Twice', '2'], ['x-empty', ''], ['idempotency-key', `"${random.between(1, 999)}"`],
    ['Cookie', 'a=b; c=d'], ['Proxy-Authorization', 'Basic YTpi'], ['accept', '*/*'], ['mcp-other', 'x'], ['priority', 'u=1'],
  ]);
  return random.shuffle(random.some(headers, 20));
}

/** @param {Random} random @param {import('./random.mjs').Declared} declared @returns {{body: Buffer, media: [string, string][]}} */
function bodyOf(random, declared) {
  const json = ['application/json', 'Application/JSON; charset="UTF-8"', 'application/vnd.x+json;', 'application/json;v=1'];
  if (random.chance(80)) return { body: encodeUtf8(random.spell(random.object(declared))), media: [['content-type', random.pick(json)]] };
  if (random.chance(50)) return { body: encodeUtf8('[1, "a"]'), media: [['content-type', 'application/json']] };
  return { body: encodeUtf8(random.text()), media: [['Content-Type', random.pick(['text/plain', 'application/x-www-form-urlencoded'])]] };
}

/** An HTTP request. @param {Random} random @param {string} base @param {any} config its table is set here */
function httpCall(random, base, config) {
  const method = random.pick(['GET', 'POST', 'POST', 'PUT', 'DELETE', 'x-Get']);
  const { path, declared, row } = route(random, base, method);
  const query = random.chance(50) ? `?${random.query()}` : '';
  const { body, media } = random.chance(method === 'GET' ? 10 : 80) ? bodyOf(random, declared) : { body: Buffer.alloc(0), media: [] };
  if (random.chance(75)) {
    const { urls, paths, scales } = declared;
    Object.assign(row, urls.length && { urls }, paths.length && { paths }, Object.keys(scales).length && { scales });
    if (random.chance(8)) Object.assign(row, { read_body: false });
    const decoys = [{ ...row, method: 'PATCH', type: 'decoy' }, { ...row, path: `${row.path}/more`, action: 'decoy' }];
    config.operations = random.shuffle([row, ...random.some(decoys)]);
  }
  return { method, target: path + query, headers: random.shuffle([...media, ...otherHeaders(random)]), body };
}

/** A message of MCP. @param {Random} random @param {string} service */
function rpcCall(random, service) {
  const method = random.pick(['tools/call', 'tools/call', 'tools/call', 'prompts/get', 'resources/read', 'tools/list', 'ping']);
  const args = random.object(null);
  const host = random.pick(['', 'wiki.example', 'a_b:80']);
  const uri = `${random.pick(['file', 'https', 'x+y.z'])}://${host}${random.pick(['', '/', '/a/b.md', `/${random.segment()}`])}`;
  /** @type {[string, Json][]} */
  const named = [['name', toJson(random.segment())], ...random.some([/** @type {[string, Json]} */ (['arguments', args])], 80)];
  /** @type {Map<string, [string, Json][]>} */
  const params = new Map([['tools/call', named], ['prompts/get', named], ['resources/read', [['uri', toJson(uri)]]]]);
  const versions = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' };
  const meta = Object.entries({ progressToken: 7, traceparent: '00-0', ...versions, 'x.example/y': { a: [1.5, 'é'] }, baggage: 'k=v' });
  return {
    ...{ method, id: random.pick([undefined, 1, 'é-1']), params: random.shuffle(params.get(method) ?? []), service, envelope: true },
    meta: random.some(meta, 30).map(([name, value]) => [name, toJson(value)]),
  };
}

/** A request to an endpoint of MCP. @param {Random} random @param {string} path @param {string} service @param {boolean} both */
function mcpCall(random, path, service, both) {
  const message = { ...rpcCall(random, service), envelope: both || random.chance(10) };
  /** @param {string} text */
  const coded = (text) => (/^[!-~]+$/.test(text) && random.chance(70) ? text : `=?base64?${Buffer.from(text).toString('base64')}?=`);
  const values = new Map(message.params);
  const [name, args] = [values.get('name') ?? values.get('uri'), values.get('arguments')];
  const texts = args?.t === 'obj' ? args.members.flatMap(([, value]) => (value.t === 'str' ? [value.v] : [])) : [];
  const headers = random.shuffle([
    ...random.some([['Mcp-Method', message.method], ['mcp-session-id', 'abc'], ['Mcp-Protocol-Version', '2026-07-28']]),
    ...random.some(name?.t === 'str' ? [['Mcp-Name', coded(name.v)]] : []),
    ...random.some(message.method === 'tools/call' ? texts.slice(0, 1).map((text) => ['Mcp-Param-One', coded(text)]) : []),
    ...otherHeaders(random),
  ]);
  const target = path + (random.chance(15) ? `?${random.query()}` : '');
  if (random.chance(5)) return { method: random.pick(['GET', 'DELETE']), target, headers: otherHeaders(random), body: Buffer.alloc(0), message };
  return { method: 'POST', target, headers: [['content-type', 'application/json'], ...headers], message };
}

/** Holders, who signed what, and a token without restrictions. @param {Random} random @param {Recipe} recipe @param {string} service */
function bareToken(random, recipe, service) {
  const depth = random.pick([0, 0, 1, 2, 3, 4]);
  recipe.steps = random.times(depth, depth, (i) => ({
    delegate: { name: random.text(0), key: keyText(recipe, `holder ${i + 1}`) },
    ...(i + 1 < depth || random.chance(30) ? { delegation_depth: 5 - i } : {}),
  }));
  recipe.signer = `holder ${depth}`;
  recipe.config.issuers = random.shuffle([
    { issuer: ISSUER, keys: [...random.some([keyText(recipe, 'old root')]), keyText(recipe, 'root')] },
    { issuer: OTHER_ISSUER, keys: [keyText(recipe, 'other root')] },
  ]);
  const optional = random.some([['grant', random.text(0)], ['conversation', random.text(0)], ...(depth ? [] : [['delegation_depth', 6]])], 30);
  recipe.claims = {
    ...{ issuer: ISSUER, user: random.text(0), purpose: random.text(0), audience: service, issued_at: NOW + random.between(-900, 30) },
    ...{ agent: { name: random.text(0), key: keyText(recipe, 'holder 0') }, expires_at: NOW + random.between(0, 99999) },
    rights: random.times(0, 5, () => ({ type: random.text(), location: random.text(0), action: random.text() })),
    ...(depth ? { delegation_depth: 6 } : {}),
    ...Object.fromEntries(optional),
  };
}

/** Everything but what needs a look at the operation: restrictions, budgets, approvals. @param {Random} random @param {string} id */
function bareRecipe(random, id) {
  const kind = /** @type {Recipe['kind']} */ (random.pick(['http', 'http', 'http', 'message', 'mcp']));
  const authority = random.pick(['calendar.example.com', 'api.example:8443', '[2001:db8::1]']);
  const paths = random.shuffle(['', '/api', '/api/v1', '/a%20b/', '/api/v1/x']).slice(0, random.between(1, 3));
  const audience = paths.map((path) => `https://${authority}${path}`);
  /** @type {any} */
  const config = { audience, authorities: random.shuffle([authority.toUpperCase(), 'other.example']) };
  const base = random.pick(paths);
  const mcp = { server: random.segment(), path: `${base.replace(/\/$/, '')}/mcp`, ...(random.chance(25) ? { envelope: true } : {}) };
  /** @type {any} */
  const call = {
    http: () => httpCall(random, base, config),
    message: () => rpcCall(random, random.pick(audience)),
    mcp: () => mcpCall(random, mcp.path, serviceFor(audience, mcp.path), mcp.envelope === true),
  }[kind]();
  const [alg, tokenField] = [random.pick(['', 'ed25519']), random.chance(30)];
  Object.assign(call, { authority, alg, tokenField, uncovered: random.some([['user-agent', 'x'], ['x-unsigned', 'y']], 20) });
  if (call.headers && tokenField && random.chance(40)) call.headers.push(['Authorization', 'Bearer abc']);
  const created = NOW - random.between(-30, 60);
  const recipe = /** @type {Recipe} */ (/** @type {unknown} */ ({
    ...{ id, kind, config, mcp, call, revoked: null, h2: kind === 'http' && random.chance(15), root: 'root', open: false, replay: false },
    ...{ created, expires: created + random.between(61, 300), label: random.pick(['countersign', 'sig1', '*a']), nonce: random.between(16, 32) },
    ...{ before: random.pick([0, 0, 0, 1, 2]), approvals: [], late: false, spoilToken: false, edit: (/** @type {string} */ text) => text },
  }));
  bareToken(random, recipe, call.service ?? serviceFor(audience, call.target.split('?')[0]));
  return recipe;
}

/** What a recipe's request maps to; null where it acts on nothing. @param {Recipe} recipe */
function operationOf({ kind, config, call, mcp }) {
  if (kind === 'http') return mapOperation(config.operations, call.method, call.target.split('?')[0]);
  const { method, params } = call.message ?? call;
  if (call.message && call.method !== 'POST') return null;
  return mapCall({ method, params: { t: 'obj', members: params } }, mcp.server)?.operation ?? null;
}

/** What each unit costs. @param {Recipe} recipe @param {View} view @returns {{unit: string, cost: number}[]} */
function costsOf(recipe, { evaluator: { args } }) {
  const operation = /** @type {import('./operation.mjs').Operation} */ (operationOf(recipe));
  return Object.keys(operation.row?.cost ?? { calls: 1 }).map((unit) => ({ unit, cost: Number(costOf(operation, args, unit)) }));
}

/** Budgets that suffice, and some that do not count. @param {Random} random @param {Recipe} recipe @param {View} view */
function addBudgets(random, recipe, view) {
  const { args } = view.evaluator;
  const { type, action, row } = /** @type {import('./operation.mjs').Operation} */ (operationOf(recipe));
  if (row && random.chance(50)) {
    const amounts = args.names.filter((name) => args.amount(name) !== null && /** @type {bigint} */ (args.amount(name)) < 1n << 50n);
    row.cost = { calls: random.between(0, 3), [random.text()]: amounts.length ? random.pick(amounts) : 7 };
  }
  const costs = costsOf(recipe, view);
  const budget = () => {
    const { unit, cost } = random.pick(costs);
    const amount = Math.max(1, cost * (recipe.before + 1) + random.pick([0, 0, 5]));
    return { account: random.text(0), unit, amount, window: random.pick([0, 60, 86400]) };
  };
  const budgets = random.times(0, 3, budget);
  recipe.claims.budgets = distinct([...budgets, { account: 'idle', unit: random.text(), amount: 1 }]);
  const metered = random.some(budgets).map(({ account }) => ({ account, type, action }));
  recipe.claims.metered = distinct([{ account: 'idle', type: `not ${type}`, action }, ...metered]);
  for (const step of recipe.steps) if (step.delegate && random.chance(40)) step.budgets = distinct(random.times(1, 2, budget));
}

/**
 * The approvals of one request. @param {Random} random @param {Recipe} recipe @param {string[]} names of the approvers
 * @param {Buffer} digest @param {any} [changes] to what each says
 */
function approvalsOf(random, recipe, names, digest, changes) {
  return random.shuffle(names.map((name) => {
    const id = encodeB64u(sha256(`${random.seed} ${random.between(0, 1e9)}`).subarray(0, 16));
    const times = { created: NOW - random.between(-30, 100), expires: NOW + random.between(31, 400) };
    const payload = jcs(toJson({ approver: keyId(publicKey(recipe, name)), ...times, digest: encodeB64u(digest), id, ...changes }));
    const signature = sign(seedOf(recipe, name), encodeUtf8(`countersign-approval-v1\0${payload}`));
    return `${encodeB64u(encodeUtf8(payload))}.${encodeB64u(signature)}`;
  }));
}

/** Approvals that are needed and others. @param {Random} random @param {Recipe} recipe @param {View} view */
function addApprovals(random, recipe, view) {
  const { type, action } = /** @type {import('./operation.mjs').Operation} */ (operationOf(recipe));
  // An envelope that nobody asked for is part of what is approved, and has the token in it, and a nonce of its own.
  const unasked = recipe.call.message?.envelope === true && recipe.mcp?.envelope !== true;
  const approvers = recipe.kind === 'message' || unasked ? [] : random.some(['approver 0', 'approver 1'], 35);
  const needed = approvers.map((name) => ({ type, action, key: keyText(recipe, name) }));
  recipe.claims.approvals = random.shuffle([...needed, { type: `not ${type}`, action, key: keyText(recipe, 'approver 2') }]);
  if (approvers.length === 0) return;
  recipe.approvals = random.times(recipe.before + 1, recipe.before + 1, () => {
    const names = random.chance(20) ? [...approvers, 'approver 2'] : approvers;
    const all = approvalsOf(random, recipe, names, operationDigest(view.canonical));
    return random.chance(50) ? [all.join(random.pick([', ', ',', ' \t,']))] : all;
  });
}

/**
 * A recipe of an allowed vector, and what is seen of its operation; without a view where it acts on nothing.
 * @param {Random} random @param {string} id @returns {{recipe: Recipe, view: View|null}}
 */
function makeRecipe(random, id) {
  const recipe = bareRecipe(random, id);
  const { claims, steps } = recipe;
  const operation = operationOf(recipe);
  const { type, resource, action } = operation ?? { type: 'a', resource: '/', action: 'b' };
  claims.rights = distinct(random.shuffle([{ type, location: random.pick(above(resource)), action }, ...claims.rights]));
  /** @type {View[]} */
  const views = [];
  const probe = { ...recipe, before: 0 };
  const { result, code } = decide(probe, inputOf(probe), (seen) => views.push(seen));
  if (result !== 'allow') throw new Error(`${id}: ${code}`);
  const [view] = views;
  if (!view) return { recipe, view: null };

  const restrictions = () => random.times(0, 5, () => restriction(random, view, true));
  claims.restrictions = restrictions();
  for (const step of steps) step.restrictions = random.chance(50) ? restrictions() : [];
  for (const step of random.times(0, 3, () => ({ restrictions: restrictions() }))) steps.splice(random.between(0, steps.length), 0, step);
  if (random.chance(50)) addBudgets(random, recipe, view);
  if (random.chance(60)) addApprovals(random, recipe, view);
  if (random.chance(20)) {
    const { user, issued_at: issued, grant = 'g', conversation = 'c' } = claims;
    recipe.revoked = {
      ...{ blocks: [sha256('no block').toString('hex')], holders: [keyId(publicKey(recipe, 'stranger'))] },
      users: [{ issuer: ISSUER, user, before: issued - 1 }, { issuer: OTHER_ISSUER, user, before: NOW }],
      ...{ grants: [{ issuer: OTHER_ISSUER, grant }], conversations: [{ issuer: ISSUER, user: `${user}x`, conversation }] },
    };
  }
  return { recipe, view };
}

// ---- Twins

/** @param {Recipe} recipe @param {any} claims */
const claiming = (recipe, claims) => ({ claims: { ...recipe.claims, ...claims } });
/** @param {Recipe} recipe @param {any} revoked */
const revoking = (recipe, revoked) => ({ revoked: { ...recipe.revoked, ...revoked } });

/** Another digit of base64 where the signature begins. @param {string} text */
function flip(text) {
  return text.replace(/("sig"\s*:\s*"|\r\nsignature: [^=]*=:)(.)/, (_, head, digit) => head + (digit === 'A' ? 'B' : 'A'));
}

/** @param {Recipe} recipe @param {Random} random @param {View} view @param {any} changes to what every approval says */
function badlyApproved(recipe, random, view, changes) {
  if (!recipe.approvals.length) return null;
  return { approvals: [approvalsOf(random, recipe, ['approver 0', 'approver 1'], operationDigest(view.canonical), changes)] };
}

/** @param {Recipe} recipe @param {View} view */
function overspent(recipe, view) {
  const [{ unit, cost }] = costsOf(recipe, view);
  if (cost < 1 || recipe.approvals.length === 1) return null; // an approval used twice would be a second fault
  return { ...claiming(recipe, { budgets: [{ account: 'spent', unit, amount: cost * 2 - 1 }] }), before: 1 };
}

/** @param {Recipe} recipe @param {Random} random @param {View} view */
function narrowed(recipe, random, view) {
  const at = random.between(0, recipe.steps.length);
  return { steps: recipe.steps.toSpliced(at, 0, { restrictions: [restriction(random, view, false)] }) };
}

/**
 * What becomes of an allowed recipe: what is done, the requirement that it breaks, and what is other then; null where it cannot be done.
 * @type {[string, string, (recipe: Recipe, random: Random) => Partial<Recipe>|null][]}
 */
const TWINS = [
  ['signed by a key that is no holder', 'VF-18', () => ({ signer: 'stranger' })],
  ['a bit of the signature flipped', 'VF-18', () => ({ edit: flip })],
  ['a message altered behind the signature', 'VF-18', ({ kind }) => (kind === 'message' ? { late: true } : null)],
  ['a target altered behind the signature', 'VF-18', ({ kind }) =>
    (kind === 'message' ? null : { edit: (text) => text.replace(' HTTP/1.1', '~ HTTP/1.1') })],
  ['a body altered behind the signature', 'VF-1', ({ kind, call }) =>
    (kind === 'message' || call.body?.length === 0 ? null : { edit: (text) => text.slice(0, -1) + (text.endsWith('x') ? 'y' : 'x') })],
  ['a token for another audience', 'VF-7', (recipe) => claiming(recipe, { audience: `${recipe.claims.audience}/` })],
  ['a token of the future', 'VF-8', (recipe) => claiming(recipe, { issued_at: NOW + 31 })],
  ['a token that ended a second ago', 'VF-9', (recipe) => claiming(recipe, { expires_at: NOW - 1 })],
  ['a token of an unknown issuer', 'VF-5', (recipe) => claiming(recipe, { issuer: 'https://stranger.example' })],
  ['a token signed by the key of another issuer', 'VF-17', () => ({ root: 'other root' })],
  ['a bit of the seal flipped', 'VF-17', () => ({ spoilToken: true })],
  ['an open token', 'VF-1', () => ({ open: true })],
  ['a proof of the past', 'VF-1', () => ({ created: NOW - 131, expires: NOW - 31 })],
  ['a proof of the future', 'VF-1', () => ({ created: NOW + 31, expires: NOW + 91 })],
  ['a block revoked', 'VF-11', (recipe, random) =>
    revoking(recipe, { blocks: [random.pick(decodeToken(tokenText(recipe)).blocks).id.toString('hex')] })],
  ['a holder revoked', 'VF-12', (recipe, random) =>
    revoking(recipe, { holders: [keyId(random.pick(decodeToken(tokenText(recipe)).holders).key)] })],
  ['a user revoked', 'VF-13', (recipe) =>
    revoking(recipe, { users: [{ issuer: ISSUER, user: recipe.claims.user, before: recipe.claims.issued_at }] })],
  ['a grant revoked', 'VF-14', (recipe) => {
    const { grant } = recipe.claims;
    return grant === undefined ? null : revoking(recipe, { grants: [{ issuer: ISSUER, grant }] });
  }],
  ['a conversation ended', 'VF-15', (recipe) => {
    const { user, conversation } = recipe.claims;
    return conversation === undefined ? null : revoking(recipe, { conversations: [{ issuer: ISSUER, user, conversation }] });
  }],
  ['sent twice', 'VF-19', () => ({ replay: true })],
];

/**
 * The same for recipes that act on something.
 * @type {[string, string, (recipe: Recipe, random: Random, view: View) => Partial<Recipe>|null][]}
 */
const ACTING_TWINS = [
  ['without the right', 'VF-29', (recipe) => {
    const { type, action } = /** @type {import('./operation.mjs').Operation} */ (operationOf(recipe));
    const rights = recipe.claims.rights.filter((/** @type {any} */ right) => right.type !== type || right.action !== action);
    return claiming(recipe, { rights: distinct([...rights, { type, location: '/elsewhere', action }]) });
  }],
  ['narrowed too far', 'VF-31', narrowed],
  ['over its budget', 'VF-34', (recipe, _, view) => overspent(recipe, view)],
  ['a budget of a unit that the operation does not name', 'VF-34', (recipe) =>
    claiming(recipe, { budgets: [{ account: 'spent', unit: 'no such unit', amount: 1 }] })],
  ['without an approval', 'VF-32', (recipe) => {
    const { type, action } = /** @type {import('./operation.mjs').Operation} */ (operationOf(recipe));
    return claiming(recipe, { approvals: [...(recipe.claims.approvals ?? []), { type, action, key: keyText(recipe, 'approver 9') }] });
  }],
  ['an approval that is over', 'VF-32', (recipe, random, view) => badlyApproved(recipe, random, view, { created: NOW - 599, expires: NOW - 1 })],
  ['an approval of the future', 'VF-32', (recipe, random, view) => badlyApproved(recipe, random, view, { created: NOW + 31, expires: NOW + 90 })],
  ['an approval of another operation', 'VF-32', (recipe, random, view) =>
    badlyApproved(recipe, random, view, { digest: encodeB64u(sha256('another')) })],
  ['a field added behind the approval', 'VF-32', ({ approvals, call }) =>
    (approvals.length ? { call: { ...call, headers: [...call.headers, ['X-Late', '1']] } } : null)],
];

/** A tampered twin that this verifier denies. @param {Random} random @param {Recipe} recipe @param {View|null} view */
function twinOf(random, recipe, view) {
  for (;;) {
    const [comment, req, change] = random.pick([...TWINS, ...(view ? ACTING_TWINS : [])]);
    const changes = change(recipe, random, /** @type {View} */ (view));
    if (!changes) continue;
    const twin = { ...recipe, before: 0, ...changes };
    const input = inputOf(twin);
    const { result, stage, code } = decide(twin, input);
    if (result === 'deny') return { req, comment, input, expect: { result, stage, code } };
  }
}

/** `count` allowed vectors, and a twin of every third. @param {string} seed @param {number} count @param {string} directory */
export function make(seed, count, directory) {
  /** @type {Record<string, any[]>} */
  const files = { verify: [], jsonrpc: [] };
  for (let i = 1; i <= count; i += 1) {
    const { random, recipe, view, input } = fitting(seed, i);
    const { right, ...rest } = decide(recipe, input);
    if (rest.result !== 'allow') throw new Error(`${recipe.id}: ${rest.code} (${rest.stage})`);
    const folder = recipe.kind === 'http' ? 'verify' : 'jsonrpc';
    const id = `${folder}/node-${recipe.id}`;
    const { claims, steps, kind } = recipe;
    const parts = `${claims.rights.length} rights, ${steps.length} blocks more, ${recipe.approvals.length ? '' : 'no '}approval`;
    const flags = recipe.h2 ? ['h2'] : [];
    const expect = right === null ? rest : { ...rest, right };
    files[folder].push({ id, req: ['VF-36'], flags, comment: `${kind}: ${parts}`, input, expect });
    if (i % 3 > 0) continue;
    const { req, ...twin } = twinOf(random, recipe, view);
    files[folder].push({ id: `${id}-twin`, req: [req], flags: [...flags, `twin:${id}`], ...twin });
  }
  for (const [folder, vectors] of Object.entries(files)) {
    if (vectors.length === 0) continue;
    mkdirSync(join(directory, folder), { recursive: true });
    const comment = `Made by the Node checker: seed ${seed}, ${count} allowed vectors in all.`;
    writeFileSync(join(directory, folder, `node-${seed}.json`), `${JSON.stringify({ comment, vectors }, null, 1)}\n`);
  }
}

/** A recipe whose token is short enough. @param {string} seed @param {number} i */
function fitting(seed, i) {
  for (let attempt = 0; ; attempt += 1) {
    const random = new Random(`${seed} ${i} ${attempt}`);
    try {
      const made = makeRecipe(random, `${seed}-${i}`);
      return { random, ...made, input: inputOf(made.recipe) };
    } catch (error) {
      if (!(error instanceof Denial) || error.code !== 'limit_exceeded') throw error;
    }
  }
}
