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

/** A text in which two have changed something at the same time, each at one place: with the changes of both. */
export function merged(before: string, theirs: string, ours: string): string {
  const [a, b] = [splice(before, theirs), splice(before, ours)];
  const [first, second] = a.start <= b.start ? [a, b] : [b, a];
  // Where the places overlap, what either has taken out is out.
  const between = before.slice(first.end, Math.max(first.end, second.start));
  const rest = before.slice(Math.max(first.end, second.end));
  return before.slice(0, first.start) + first.text + between + second.text + rest;
}

/** What stands in the place of what, behind the common beginning and before the common end. */
export function splice(before: string, after: string): { start: number; end: number; text: string } {
  const most = Math.min(before.length, after.length);
  let start = 0;
  while (start < most && before[start] === after[start]) start += 1;
  let same = 0;
  while (same < most - start && before[before.length - 1 - same] === after[after.length - 1 - same]) same += 1;
  // Never between the halves of a character beyond the first 65,536.
  if (start > 0 && isHigh(before.charCodeAt(start - 1))) start -= 1;
  if (same > 0 && isLow(before.charCodeAt(before.length - same))) same -= 1;
  return { start, end: before.length - same, text: after.slice(start, after.length - same) };
}

const isHigh = (unit: number) => unit >= 0xd800 && unit < 0xdc00;
const isLow = (unit: number) => unit >= 0xdc00 && unit < 0xe000;
const isTree = (value: Json): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value);
const escape = (key: string) => key.replaceAll('~', '~0').replaceAll('/', '~1');
