/** WidgetApp's streams for browsers and Node. See the API guide, "The JavaScript client". */
export * from './stream.js';
export * from './presence.js';
export * from './thing.js';
export type * from './messages.js';
