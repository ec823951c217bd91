/** The JSON Patch (RFC 6902) that makes one content of another. Arrays and texts are replaced whole. */

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export interface Operation {
  op: 'add' | 'replace' | 'remove';
  path: string;
  value?: Json;
}

type Tree = { [key: string]: Json };

export function diff(from: object, to: object): Operation[] {
  return compare(from as Tree, to as Tree, '');
}

function compare(from: Tree, to: Tree, path: string): Operation[] {
  const operations: Operation[] = [];
  for (const key of Object.keys(from)) {
    if (!(key in to)) operations.push({ op: 'remove', path: `${path}/${escape(key)}` });
  }
  for (const [key, value] of Object.entries(to)) {
    const [before, here] = [from[key], `${path}/${escape(key)}`];
    if (before === undefined) operations.push({ op: 'add', path: here, value });
    else if (isTree(before) && isTree(value)) operations.push(...compare(before, value, here));
    else if (JSON.stringify(before) !== JSON.stringify(value)) operations.push({ op: 'replace', path: here, value });
  }
  return operations;
}

const isTree = (value: Json): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value);
const escape = (key: string) => key.replaceAll('~', '~0').replaceAll('/', '~1');
