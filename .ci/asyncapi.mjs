// Checks an AsyncAPI document with AsyncAPI's own parser: node .ci/asyncapi.mjs NODE_MODULES DOCUMENT
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const [modules, document] = process.argv.slice(2);
const { Parser } = createRequire(`${modules}/`)('@asyncapi/parser');
const { diagnostics } = await new Parser().parse(readFileSync(document, 'utf8'));
const kinds = ['error', 'warning', 'information', 'hint'];
for (const { severity, code, path, message } of diagnostics) {
  console.log(`${kinds[severity]} ${code} at ${path.join('.')}: ${message}`);
}
process.exitCode = diagnostics.some(({ severity }) => severity === 0) ? 1 : 0;
