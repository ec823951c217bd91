// Writes src/messages.ts: the types of all messages, from the AsyncAPI document, which the server makes of its own
// types. With --check it only says whether the file is what it should be.
import { readFileSync, writeFileSync } from 'node:fs';

const here = new URL('.', import.meta.url);
const target = new URL('src/messages.ts', here);
const { components } = JSON.parse(readFileSync(new URL('../../../book/src/api/asyncapi.json', here), 'utf8'));

const comment = (text, indent) => {
  if (!text) return '';
  const lines = text.trim().split('\n');
  return `${indent}/** ${lines.join(`\n${indent} *  `)} */\n`;
};

/** The TypeScript type of a JSON Schema. */
function type(schema, indent = '') {
  if (schema === true || Object.keys(schema).length === 0) return 'unknown';
  if (schema.$ref) return schema.$ref.split('/').at(-1);
  if ('const' in schema) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  if (schema.allOf?.length === 1) return type(schema.allOf[0], indent);
  const variants = schema.oneOf ?? schema.anyOf;
  // Variants that only say which fields go together add nothing that a type could say.
  if (variants && !variants.every((variant) => Object.keys(variant).every((key) => key === 'required'))) {
    return [...new Set(variants.map((variant) => type(variant, indent)))].join(' | ');
  }
  if (!schema.type && !schema.properties) return 'unknown';
  const kinds = [schema.type ?? 'object'].flat();
  return kinds.map((kind) => simple(kind, schema, indent)).join(' | ');
}

function simple(kind, schema, indent) {
  switch (kind) {
    case 'integer':
      return 'number';
    case 'array':
      return schema.items ? `Array<${type(schema.items, indent)}>` : 'unknown[]';
    case 'object':
      return object(schema, indent);
    default:
      return kind;
  }
}

function object(schema, indent) {
  const { properties, required = [], additionalProperties } = schema;
  if (!properties) {
    if (additionalProperties === false) return 'Record<string, never>';
    return `Record<string, ${type(additionalProperties ?? {}, indent)}>`;
  }
  const inner = `${indent}  `;
  const fields = Object.entries(properties).map(([name, field]) => {
    const optional = required.includes(name) ? '' : '?';
    return `${comment(field.description, inner)}${inner}${name}${optional}: ${type(field, inner)};`;
  });
  return `{\n${fields.join('\n')}\n${indent}}`;
}

const types = Object.entries(components.schemas).map(
  ([name, schema]) => `${comment(schema.description, '')}export type ${name} = ${type(schema)};`,
);

const body = (message) => type(message?.payload.properties?.body ?? { type: 'object', additionalProperties: false }, '  ');
const of = (end) => Object.entries(components.messages).filter(([key]) => key.endsWith(end));
const named = ({ name, payload }) => `'${payload.properties.port.const} ${name}'`;
const requests = of('_request').map(([key, message]) => {
  const reply = components.messages[key.replace(/_request$/, '_reply')];
  return `  ${named(message)}: { request: ${body(message)}; reply: ${body(reply)} };`;
});
const pushes = of('_push').map(([, message]) => `  ${named(message)}: ${body(message)};`);

const text = `// Made by generate.mjs from the AsyncAPI document; \`npm run generate\` makes it anew.

${types.join('\n\n')}

/** What can be asked, as \`PORT NAME\`: the body of the request, and that of its reply. */
export interface Requests {
${requests.join('\n')}
}

/** What the server tells unasked, as \`PORT NAME\`: the body. */
export interface Pushes {
${pushes.join('\n')}
}
`;

if (!process.argv.includes('--check')) {
  writeFileSync(target, text);
} else if (readFileSync(target, 'utf8') !== text) {
  console.error('src/messages.ts is not what the AsyncAPI document says; run: npm run generate');
  process.exit(1);
}
