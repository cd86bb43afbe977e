// Makes vectors: random requests and messages with tokens of their own, allowed by this verifier, and tampered twins of some.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Denial, encodeB64u, encodeUtf8, fromBinary, sha256 } from './util.mjs';
import { jcs, toJson } from './json.mjs';
import { keyId, publicOf, publicText, sign } from './ed25519.mjs';
import { MAX_TEXT, decodeToken } from './token.mjs';
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
 * @typedef {{id: string, kind: 'http'|'message'|'mcp', config: any, mcp: any, now: number, revoked: any, h2: boolean,
 *   root: string, signer: string, open: boolean, claims: any, steps: any[], call: any, created: number, expires: number, label: string,
 *   nonce: number, before: number, replay: boolean, approvals: string[][], late: boolean, spoilToken: boolean,
 *   edit: ((text: string) => string)|null}} Recipe all that a vector is made of; what is made of it is determined
 */

const NOW = 1795453200;
const ISSUER = 'https://hub.example';
const ENVELOPE = 'dev.countersign/request';
const ONE_CALL = { calls: 1 };

/** Test keys, of one vector each. @param {Recipe} recipe @param {string} name */
const seedOf = ({ id }, name) => sha256(`countersign test key: ${id} ${name}`);
/** @param {Recipe} recipe @param {string} name */
const publicKey = (recipe, name) => publicOf(seedOf(recipe, name));
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
  return encodeB64u(bytes);
}

/** The text of a JSON-RPC message, with an envelope where it has one. @param {Recipe} recipe @param {string} token @param {Buffer} nonce */
function messageText(recipe, token, nonce) {
  const { method, params, id, envelope } = recipe.call;
  const key = seedOf(recipe, recipe.signer);
  const { service } = recipe.call;
  const fields = { v: 1, token, service, created: recipe.created, expires: recipe.expires, nonce: encodeB64u(nonce), keyid: keyId(publicOf(key)) };
  /** @param {any} added to `_meta` @returns {Json} */
  const withMeta = (added) => {
    const meta = [...recipe.call.meta, ...Object.entries(added).map(([name, value]) => [name, toJson(value)])];
    return { t: 'obj', members: meta.length ? [...params, ['_meta', { t: 'obj', members: meta }]] : params };
  };
  const sig = encodeB64u(sign(key, signedBytes({ method, params: withMeta({ [ENVELOPE]: fields }) })));
  const whole = withMeta({ ...(envelope ? { [ENVELOPE]: { ...fields, sig } } : {}), ...(recipe.late ? { late: true } : {}) });
  const head = /** @type {Json} */ (toJson({ jsonrpc: '2.0', ...(id === undefined ? {} : { id }), method }));
  return new Random(recipe.id).spell({ t: 'obj', members: [...(head.t === 'obj' ? head.members : []), ['params', whole]] });
}

/** One request or message of a recipe. @param {Recipe} recipe @param {string} token @param {number} n which of those with this token @returns {any} */
function sent(recipe, token, n) {
  const { call, kind } = recipe;
  /** @param {string} use */
  const nonce = (use) => sha256(`${recipe.id} ${use} ${n}`, 'nonce').subarray(0, recipe.nonce);
  const edit = recipe.edit ?? ((text) => text);
  if (kind === 'message') return { message_b64u: encodeB64u(encodeUtf8(edit(messageText(recipe, token, nonce('message'))))) };
  const body = kind === 'mcp' && call.method === 'POST' ? encodeUtf8(messageText({ ...recipe, call: call.message }, token, nonce('message'))) : call.body;
  const approvals = (recipe.approvals[n] ?? []).map((value) => ['Countersign-Approval', value]);
  const { created, expires, label } = recipe;
  const message = signRequest({
    ...{ ...call, token, key: seedOf(recipe, recipe.signer), headers: [...call.headers, ...approvals], body },
    ...{ created, expires, nonce: nonce('request'), label },
    arrange: (components) => new Random(recipe.id).shuffle(components),
  });
  return { request_b64u: encodeB64u(fromBinary(edit(message.toString('latin1')))) };
}

/** @param {Recipe} recipe @returns {any} the input of a vector */
function inputOf(recipe) {
  const token = tokenText(recipe);
  if (token.length > MAX_TEXT) throw new Denial(1, 'limit_exceeded');
  const all = Array.from({ length: recipe.before + 1 }, (_, n) => sent(recipe, token, n));
  const last = all[recipe.before];
  const before = recipe.replay ? all : all.slice(0, -1);
  const shared = { config: recipe.config, now: recipe.now, ...(recipe.revoked ? { revoked: recipe.revoked } : {}) };
  if (recipe.kind !== 'http') return { ...shared, mcp: recipe.mcp, ...(before.length ? { before } : {}), sent: last };
  const texts = before.map(({ request_b64u }) => request_b64u);
  return { ...shared, ...(texts.length ? { before: texts } : {}), ...(recipe.h2 ? { authority: recipe.call.authority } : {}), ...last };
}

/** What this verifier says. @param {Recipe} recipe @param {any} input @param {(view: View) => void} [look] */
function decide(recipe, input, look) {
  return RUN[recipe.kind === 'http' ? 'vector' : 'rpc_vector'](input, { onChecks: (_, evaluator, code, canonical) => look?.({ evaluator, canonical: canonical() }) });
}

// ---- Restrictions

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
    arg_at_most: [Math.min(number + random.between(-3, 99), Number.MAX_SAFE_INTEGER)],
    arg_at_least: [Math.max(number - random.between(-3, 99), -Number.MAX_SAFE_INTEGER)],
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

/** A URL path, its query and an operation table that maps it. @param {Random} random @param {string} base path of an audience @param {string} method */
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
  const uri = `${random.pick(['file', 'https', 'x+y.z'])}://${random.pick(['', 'wiki.example', 'a_b:80'])}${random.pick(['', '/', '/a/b.md', `/${random.segment()}`])}`;
  /** @type {[string, Json][]} */
  const named = [['name', toJson(random.segment())], ...random.some([/** @type {[string, Json]} */ (['arguments', args])], 80)];
  /** @type {Map<string, [string, Json][]>} */
  const params = new Map([['tools/call', named], ['prompts/get', named], ['resources/read', [['uri', toJson(uri)]]]]);
  const versions = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' };
  const meta = Object.entries({ progressToken: 7, traceparent: '00-0', ...versions, 'x.example/y': { a: [1.5, 'é'] }, baggage: null });
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

/** Everything but restrictions, budgets and approvals, which need a look at the operation. @param {Random} random @param {string} id @returns {Recipe} */
function bareRecipe(random, id) {
  const kind = /** @type {Recipe['kind']} */ (random.pick(['http', 'http', 'http', 'message', 'mcp']));
  const origin = `https://${random.pick(['calendar.example.com', 'api.example:8443', '[2001:db8::1]'])}`;
  const audience = random.shuffle(['', '/api', '/api/v1', '/a%20b/', '/api/v1/x']).slice(0, random.between(1, 3)).map((path) => origin + path);
  const authority = origin.slice(8);
  /** @type {any} */
  const config = { audience, authorities: random.shuffle([authority.toUpperCase(), 'other.example']), issuers: [] };
  const base = random.pick(audience).slice(origin.length);
  const mcp = { server: random.segment(), path: `${base.replace(/\/$/, '')}/mcp`, ...(random.chance(25) ? { envelope: true } : {}) };
  const call = {
    http: () => httpCall(random, base, config),
    message: () => rpcCall(random, random.pick(audience)),
    mcp: () => mcpCall(random, mcp.path, serviceFor(audience, mcp.path), mcp.envelope === true),
  }[kind]();
  const service = kind === 'message' ? /** @type {any} */ (call).service : serviceFor(audience, /** @type {any} */ (call).target.split('?')[0]);
  const issued = NOW + random.between(-900, 30);
  const recipe = /** @type {Recipe} */ (/** @type {unknown} */ ({
    ...{ id, kind, config, mcp, now: NOW, revoked: null, h2: kind === 'http' && random.chance(15), root: 'root', open: false, steps: [] },
    ...{ created: NOW - random.between(-30, 60), label: random.pick(['countersign', 'sig1', '*a']), nonce: random.between(16, 64) },
    ...{ before: random.pick([0, 0, 0, 1, 2]), replay: false, approvals: [], late: false, spoilToken: false, edit: null },
    call: { ...call, authority, tokenField: random.chance(30), alg: random.pick(['', 'ed25519']), uncovered: random.some([['user-agent', 'x'], ['x-unsigned', 'y']], 20) },
  }));
  if (recipe.call.tokenField && random.chance(40)) recipe.call.headers?.push(['Authorization', 'Bearer abc']);
  recipe.nonce = Math.min(recipe.nonce, 32);
  recipe.expires = recipe.created + random.between(61, 300);
  config.issuers = random.shuffle([
    { issuer: ISSUER, keys: random.some([publicText(publicKey(recipe, 'old root'))]).concat(publicText(publicKey(recipe, 'root'))) },
    { issuer: 'https://other.example', keys: [publicText(publicKey(recipe, 'other root'))] },
  ]);
  const depth = random.pick([0, 0, 1, 2, 3, 4]);
  recipe.steps = random.times(depth, depth, (i) => ({
    delegate: { name: random.text(0), key: publicText(publicKey(recipe, `holder ${i + 1}`)) },
    ...(i + 1 < depth || random.chance(30) ? { delegation_depth: 6 - i - 1 } : {}),
  }));
  recipe.signer = `holder ${depth}`;
  recipe.claims = {
    ...{ issuer: ISSUER, user: random.text(0), purpose: random.text(0), audience: service, issued_at: issued },
    ...{ agent: { name: random.text(0), key: publicText(publicKey(recipe, 'holder 0')) }, expires_at: NOW + random.between(0, 99999) },
    rights: distinct(random.times(0, 5, () => ({ type: random.text(), location: random.text(0), action: random.text() }))),
    ...(depth || random.chance(30) ? { delegation_depth: 6 } : {}),
    ...(random.chance(30) ? { grant: random.text(0) } : {}),
    ...(random.chance(30) ? { conversation: random.text(0) } : {}),
  };
  return recipe;
}

/** The approvals of one request, needed ones and others. @param {Random} random @param {Recipe} recipe @param {string[]} names @param {Buffer} digest @param {any} [changes] */
function approvalsOf(random, recipe, names, digest, changes) {
  return random.shuffle(names.map((name) => {
    const id = encodeB64u(sha256(`${random.seed} ${random.between(0, 1e9)}`).subarray(0, 16));
    const times = { created: NOW - random.between(-30, 100), expires: NOW + random.between(31, 400) };
    const payload = jcs(toJson({ approver: keyId(publicKey(recipe, name)), ...times, digest: encodeB64u(digest), id, ...changes }));
    const signature = sign(seedOf(recipe, name), encodeUtf8(`countersign-approval-v1\0${payload}`));
    return `${encodeB64u(encodeUtf8(payload))}.${encodeB64u(signature)}`;
  }));
}

/**
 * A recipe of an allowed vector, and what is seen of its operation; without a view where it acts on nothing.
 * @param {Random} random @param {string} id @returns {{recipe: Recipe, view: View|null}}
 */
function makeRecipe(random, id) {
  const recipe = bareRecipe(random, id);
  const { claims, steps, config } = recipe;
  /** @type {View|null} */
  let found = null;
  const look = (/** @type {View} */ view) => {
    found = view;
  };
  // A first look, with a right for whatever it is: the table, or what MCP maps to.
  const asked = askedOf(recipe);
  const wide = asked && { type: asked.type, location: random.pick(above(asked.resource)), action: asked.action };
  const rights = random.shuffle(wide ? [wide, ...claims.rights] : [...claims.rights, { type: 'a', location: '/', action: 'b' }]);
  claims.rights = distinct(rights);
  const probe = { ...recipe, before: 0 };
  const first = decide(probe, inputOf(probe), look);
  if (first.result !== 'allow') throw new Error(`${id}: ${first.code} (${first.stage})`);
  const view = /** @type {View|null} */ (found);
  if (!view) return { recipe, view };

  const { type, action, row } = /** @type {any} */ (asked);
  const restrictions = () => random.times(0, 5, () => restriction(random, view, true));
  if (random.chance(80)) claims.restrictions = restrictions();
  for (const step of steps) if (random.chance(50)) step.restrictions = restrictions();
  for (const step of random.times(0, 3, () => ({ restrictions: restrictions() }))) steps.splice(random.between(0, steps.length), 0, step);

  if (row && random.chance(50)) {
    const amounts = view.evaluator.args.names.filter((name) => costOf(/** @type {any} */ ({ row: { cost: { u: name } } }), view.evaluator.args, 'u') !== null);
    row.cost = { calls: random.between(0, 3), [random.text()]: amounts.length ? random.pick(amounts) : 7 };
  }
  const costs = costsOf(recipe, view);
  const budget = () => {
    const { unit, cost } = random.pick(costs);
    const amount = Math.min(Number.MAX_SAFE_INTEGER, Math.max(1, cost * (recipe.before + 1) + random.pick([0, 0, 5])));
    return { account: random.text(0), unit, amount, window: random.pick([0, 60, 86400]) };
  };
  if (costs.every(({ cost }) => cost * 3 < Number.MAX_SAFE_INTEGER) && random.chance(50)) {
    claims.budgets = distinct([...random.times(0, 3, budget), { account: 'idle', unit: random.text(), amount: 1 }]);
    const other = { account: 'idle', type: random.text(), action };
    claims.metered = distinct([other, ...random.some(claims.budgets.slice(0, -1)).map((/** @type {any} */ { account }) => ({ account, type, action }))]);
    for (const step of steps) if (step.delegate && random.chance(40)) step.budgets = distinct(random.times(1, 2, budget));
  }
  const approvers = recipe.kind === 'message' || random.chance(60) ? [] : ['approver 0', 'approver 1'].slice(0, random.between(1, 2));
  const needed = approvers.map((name) => ({ type, action, key: publicText(publicKey(recipe, name)) }));
  if (random.chance(60)) claims.approvals = distinct(random.shuffle([...needed, { type: random.text(), action, key: publicText(publicKey(recipe, 'approver 2')) }]));
  else if (needed.length) claims.approvals = needed;
  if (needed.length) {
    const digest = operationDigest(view.canonical);
    recipe.approvals = Array.from({ length: recipe.before + 1 }, () => {
      const all = approvalsOf(random, recipe, random.chance(20) ? [...approvers, 'approver 2'] : approvers, digest);
      return random.chance(50) ? [all.join(random.pick([', ', ',', ' \t,']))] : all;
    });
  }
  if (random.chance(20)) {
    recipe.revoked = {
      ...{ blocks: [sha256('no block').toString('hex')], holders: [keyId(publicKey(recipe, 'stranger'))] },
      users: [{ issuer: ISSUER, user: claims.user, before: claims.issued_at - 1 }, { issuer: 'https://other.example', user: claims.user, before: NOW }],
      grants: [{ issuer: 'https://other.example', grant: claims.grant ?? 'g' }],
      ...{ conversations: [{ issuer: ISSUER, user: `${claims.user}x`, conversation: claims.conversation ?? 'c' }], issuer_keys: [] },
    };
  }
  return { recipe, view };
}

/** @param {Recipe} recipe @param {View} view @returns {{unit: string, cost: number}[]} */
function costsOf(recipe, { evaluator }) {
  const row = askedOf(recipe)?.row;
  const operation = /** @type {any} */ ({ row });
  return Object.keys(row?.cost ?? ONE_CALL).map((unit) => ({ unit, cost: Number(costOf(operation, evaluator.args, unit)) }));
}

/** What a recipe's request maps to; null where it acts on nothing. @param {Recipe} recipe */
function askedOf({ kind, config, call, mcp }) {
  if (kind === 'http') return mapOperation(config.operations, call.method, call.target.split('?')[0]);
  const { method, params } = call.message ?? call;
  if (call.message && call.method !== 'POST') return null;
  return mapCall({ method, params: { t: 'obj', members: params } }, mcp.server)?.operation ?? null;
}

// ---- Twins

/** Another digit of base64 where a signature begins. @param {RegExp} before @returns {(text: string) => string} */
const flip = (before) => (text) => text.replace(before, (_, head, digit) => head + (digit === 'A' ? 'B' : 'A'));

/** @param {Recipe} recipe @param {any} revoked */
function revoke(recipe, revoked) {
  recipe.revoked = { ...recipe.revoked, ...revoked };
}

/**
 * What is done to an allowed recipe, by what it is called: the requirement it breaks, and the change. False: it cannot be done here.
 * @type {Record<string, [string, (recipe: Recipe, random: Random, view: View|null) => unknown]>}
 */
const TWINS = {
  'signed by a key that is no holder': ['VF-18', (recipe) => Object.assign(recipe, { signer: 'stranger' })],
  'a bit of the signature flipped': ['VF-18', (recipe) =>
    Object.assign(recipe, { edit: flip(recipe.kind === 'message' ? /("sig"\s*:\s*")(.)/ : /(\r\nsignature: [^=]*=:)(.)/) })],
  'the target or the message altered behind the signature': ['VF-18', (recipe) =>
    Object.assign(recipe, recipe.kind === 'message' ? { late: true } : { edit: (/** @type {string} */ text) => text.replace(' HTTP/1.1', '~ HTTP/1.1') })],
  'the body altered behind the signature': ['VF-1', (recipe) =>
    recipe.kind !== 'message' && (recipe.call.body?.length ?? 1) > 0 &&
    Object.assign(recipe, { edit: (/** @type {string} */ text) => text.slice(0, -1) + (text.endsWith('x') ? 'y' : 'x') })],
  'a token for another audience': ['VF-7', ({ claims }) => Object.assign(claims, { audience: `${claims.audience}/` })],
  'a token of the future': ['VF-8', ({ claims }) => Object.assign(claims, { issued_at: NOW + 31 })],
  'a token that ended a second ago': ['VF-9', ({ claims }) => Object.assign(claims, { expires_at: NOW - 1 })],
  'a token of an unknown issuer': ['VF-5', ({ claims }) => Object.assign(claims, { issuer: 'https://stranger.example' })],
  'a token signed by the key of another issuer': ['VF-17', (recipe) => Object.assign(recipe, { root: 'other root' })],
  'a bit of the seal flipped': ['VF-17', (recipe) => Object.assign(recipe, { spoilToken: true })],
  'an open token': ['VF-1', (recipe) => Object.assign(recipe, { open: true })],
  'a proof of the past': ['VF-1', (recipe) => Object.assign(recipe, { created: NOW - 131, expires: NOW - 31 })],
  'a proof of the future': ['VF-1', (recipe) => Object.assign(recipe, { created: NOW + 31, expires: NOW + 91 })],
  'a block revoked': ['VF-11', (recipe, random) =>
    revoke(recipe, { blocks: [random.pick(decodeToken(tokenText(recipe)).blocks).id.toString('hex')] })],
  'a holder revoked': ['VF-12', (recipe, random) =>
    revoke(recipe, { holders: [keyId(random.pick(decodeToken(tokenText(recipe)).holders).key)] })],
  'a user revoked': ['VF-13', (recipe) => revoke(recipe, { users: [{ issuer: ISSUER, user: recipe.claims.user, before: recipe.claims.issued_at }] })],
  'a grant revoked': ['VF-14', (recipe) =>
    recipe.claims.grant !== undefined && (revoke(recipe, { grants: [{ issuer: ISSUER, grant: recipe.claims.grant }] }), true)],
  'a conversation ended': ['VF-15', (recipe) => {
    const { user, conversation } = recipe.claims;
    if (conversation === undefined) return false;
    return revoke(recipe, { conversations: [{ issuer: ISSUER, user, conversation }] });
  }],
  'sent twice': ['VF-19', (recipe) => Object.assign(recipe, { replay: true })],
  'without the right': ['VF-29', (recipe, random, view) => {
    const [type, action] = ['type', 'action'].map((name) => view?.evaluator.facts.get(name)?.[0][0].v);
    const others = recipe.claims.rights.filter((/** @type {any} */ right) => right.type !== type || right.action !== action);
    recipe.claims.rights = distinct([...others, { type, location: '/elsewhere', action }]);
    return view !== null;
  }],
  'narrowed too far': ['VF-31', (recipe, random, view) => {
    if (!view) return false;
    const narrow = { restrictions: [restriction(random, view, false)] };
    return recipe.steps.splice(random.between(0, recipe.steps.length), 0, narrow);
  }],
  'over its budget': ['VF-34', (recipe, random, view) => {
    const [{ unit, cost }] = view ? costsOf(recipe, view) : [{ unit: '', cost: 0 }];
    if (cost < 1 || recipe.approvals.length === 1) return false; // an approval used twice would be a second fault
    recipe.claims.budgets = [{ account: 'spent', unit, amount: cost * 2 - 1 }];
    return Object.assign(recipe, { before: 1 });
  }],
  'with a budget of a unit that the operation does not name': ['VF-34', (recipe, random, view) =>
    view !== null && Object.assign(recipe.claims, { budgets: [{ account: 'spent', unit: 'no such unit', amount: 1 }] })],
  'without an approval': ['VF-32', (recipe, random, view) => {
    const asked = askedOf(recipe);
    const key = publicText(publicKey(recipe, 'approver 9'));
    if (asked) recipe.claims.approvals = [...(recipe.claims.approvals ?? []).slice(0, 15), { type: asked.type, action: asked.action, key }];
    return asked && view;
  }],
  'a bad approval': ['VF-32', (recipe, random, view) => {
    if (!view || !recipe.approvals.length) return false;
    const changes = random.pick([{ created: NOW - 599, expires: NOW - 1 }, { digest: encodeB64u(sha256('another')) }, { created: NOW + 31, expires: NOW + 90 }]);
    return Object.assign(recipe, { approvals: [approvalsOf(random, recipe, ['approver 0', 'approver 1'], operationDigest(view.canonical), changes)] });
  }],
  'a field added behind the approval': ['VF-32', (recipe) => recipe.approvals.length && recipe.call.headers.push(['X-Late', '1'])],
};

/** A tampered twin that this verifier denies. @param {Random} random @param {Recipe} recipe @param {View|null} view */
function twinOf(random, recipe, view) {
  for (;;) {
    const [comment, [req, change]] = random.pick(Object.entries(TWINS));
    const twin = { ...structuredClone(recipe), before: 0 };
    if (change(twin, random, view) === false) continue;
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
