#!/usr/bin/env node
import { Engine } from './lib/engine.mjs';
import { runAll } from './lib/vectors.mjs';
const engine = await Engine.open('/tmp/nt/node_modules');
const { total, failures, folders, broken } = runAll(process.argv[3], (vector) => ({
  onChecks: (token, evaluator, code) => {
    const roots = vector.input.config.issuers.find((i) => i.issuer === token.issuer).keys.map((k) => Buffer.from(k.slice(8), 'hex'));
    engine.compare(vector.id, token, roots, evaluator, code);
  },
}));
for (const line of [...broken, ...failures]) console.log(`FAIL ${line}`);
for (const [folder, [all, ok]] of folders) console.log(`${folder}: ${ok} of ${all}`);
for (const l of engine.report()) console.log(l);
console.log(`${total} vectors, ${total - failures.length} passed, ${failures.length} failed`);
process.exitCode = broken.length || failures.length ? 1 : 0;
