#!/usr/bin/env node
import { runAll } from './lib/vectors.mjs';
const { total, failures, folders, broken } = runAll(process.argv[3], () => ({}));
for (const line of [...broken, ...failures]) console.log(`FAIL ${line}`);
for (const [folder, [all, ok]] of folders) console.log(`${folder}: ${ok} of ${all}`);
console.log(`${total} vectors, ${total - failures.length} passed, ${failures.length} failed`);
process.exitCode = broken.length || failures.length ? 1 : 0;
