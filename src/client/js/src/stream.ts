/**
 * One connection to `/_stream`, kept: it comes back by itself, and carries all services and Things.
 *
 * Owns the websocket, the ids of requests and the waiting between tries. Knows nothing of documents: what has to be
 * said anew on each new connection is told by those who listen to `live`.
 */
import { BackOff } from './back-off.js';
import type { ErrorBody, Pushes, Requests, Welcome } from './messages.js';

/** What a WebSocket class has to offer: a browser's own, Node's, or that of the package `ws`. */
export interface SocketLike {
  readonly readyState: number;
  send(data: string): void;
  close(code?: number, reason?: string): void;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: { data: unknown } & never) => void) | null;
  onclose: ((event: { code: number; reason: string } & never) => void) | null;
  onerror: ((event: never) => void) | null;
}

export interface StreamOptions {
  /** The server, such as `https://widgetapp.example`; in a browser, where the page came from. */
  url?: string;
  /** Gives a valid access token, a new one each time that it is asked. Without it the login of the page counts. */
  token?: () => Promise<string>;
  /**
   * Who has to be welcomed. Where the login of a browser counts, somebody else may have logged in meanwhile: their
   * connection is given up before anything is sent on it, and tried again.
   */
  user?: string;
  /** The WebSocket class, where there is no global one. */
  WebSocket?: new (url: string, protocols: string[]) => SocketLike;
}

/**
 * - `connecting`: a connection is being made
 * - `live`: the server has welcomed us
 * - `waiting`: there is none, and the next try comes by itself
 * - `ended`: there is none, and trying again is of no use
 */
export type StreamState = 'connecting' | 'live' | 'waiting' | 'ended';

/** Why a stream has ended for good. */
export interface Ended {
  /** A close code of the server's from 4500 on; 1000 if it was closed here. */
  code: number;
  reason: string;
}

/** A message as it comes. */
export interface Message {
  port: number;
  name: string;
  id?: number;
  thing?: string;
  join?: number;
  offset?: number;
  body?: unknown;
  error?: ErrorBody;
}

export interface StreamEvents {
  /** The state has changed. */
  state: StreamState;
  /** A new connection stands. All that was open on the one before has to be opened again. */
  live: Welcome;
  /** Something was pushed. */
  push: Message;
  /** Somebody else was welcomed than the options say; `accept` takes them all the same. */
  stranger: Welcome;
  /** It is over. */
  ended: Ended;
}

/** A request was refused. */
export class RequestError extends Error {
  readonly error: ErrorBody;

  constructor(error: ErrorBody) {
    super(error.message);
    this.name = 'RequestError';
    this.error = error;
  }
}

/** The connection broke before the reply came: what was asked may have been done or not. */
export class ConnectionLost extends Error {
  constructor() {
    super('the connection broke before the reply came');
    this.name = 'ConnectionLost';
  }
}

type Listener<T> = (value: T) => void;

interface Waiting {
  resolve(message: Message): void;
  reject(error: Error): void;
}

const SUBPROTOCOL = 'widgetapp.v1.json';
/** From here to 4999 a close code means: do not come back. */
const FIRST_FINAL_CODE = 4500;
/** Beyond the server's own ping and what it waits for its answer: then the connection is dead. */
const SILENCE_SLACK_MS = 2_000;
const LAST_ID = 2 ** 32 - 1;

export class Stream {
  readonly #options: StreamOptions;
  readonly #listeners = new Map<keyof StreamEvents, Set<Listener<never>>>();
  readonly #waiting = new Map<number, Waiting>();
  readonly #backOff = new BackOff();
  #user: string | undefined;
  #socket: SocketLike | undefined;
  #state: StreamState = 'waiting';
  #welcome: Welcome | undefined;
  #lastId = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #silence: ReturnType<typeof setTimeout> | undefined;
  /** Counts the tries, so that one that was given up does not speak later. */
  #attempt = 0;

  constructor(options: StreamOptions = {}) {
    this.#options = options;
    this.#user = options.user;
    // Where there is a window, it says when the network comes and goes.
    globalThis.addEventListener?.('online', () => this.#state === 'waiting' && this.connect());
    globalThis.addEventListener?.('offline', () => this.#state === 'live' && this.#lost());
    // Whoever comes back to the page does not wait.
    globalThis.document?.addEventListener('visibilitychange', () => {
      if (this.#state === 'waiting' && document.visibilityState === 'visible') this.connect();
    });
  }

  get state(): StreamState {
    return this.#state;
  }

  /** What the server said of the present connection. */
  get welcome(): Welcome | undefined {
    return this.#state === 'live' ? this.#welcome : undefined;
  }

  /** Calls `listener` from now on; the returned function ends that. */
  on<K extends keyof StreamEvents>(event: K, listener: Listener<StreamEvents[K]>): () => void {
    const listeners = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, listeners);
    listeners.add(listener as Listener<never>);
    return () => listeners.delete(listener as Listener<never>);
  }

  /** Calls `listener` with the body of each push of this kind. */
  onPush<K extends keyof Pushes>(kind: K, listener: (body: Pushes[K], message: Message) => void): () => void {
    return this.on('push', (message) => {
      if (`${message.port} ${message.name}` === kind) listener(message.body as Pushes[K], message);
    });
  }

  /** Connects now, whatever wait there is. Does nothing while a connection is there. */
  connect(): void {
    if (this.#state === 'connecting' || this.#state === 'live') return;
    clearTimeout(this.#retry);
    void this.#try();
  }

  /** From now on this is who has to be welcomed, as when somebody was renamed; connects. */
  accept(user: string): void {
    this.#user = user;
    this.connect();
  }

  /** Ends the connection; `connect` makes a new one. */
  close(): void {
    this.#end({ code: 1000, reason: 'closed' });
  }

  /**
   * Asks something.
   *
   * @throws {RequestError} the server refused
   * @throws {ConnectionLost} no connection stands, or it broke before the reply came
   */
  async request<K extends keyof Requests>(
    kind: K,
    body: Requests[K]['request'],
    thing?: string,
  ): Promise<Requests[K]['reply']> {
    const message = await this.ask(kind, body, thing);
    return message.body as Requests[K]['reply'];
  }

  /** Tells something that needs no reply; nothing happens while no connection stands. */
  tell(kind: keyof Requests, body: unknown, thing?: string): void {
    if (this.#state !== 'live') return;
    const [port, name] = kind.split(' ', 2) as [string, string];
    this.#socket?.send(JSON.stringify({ port: Number(port), name, thing, body }));
  }

  /** Asks for the whole reply. `onSend` hears the request's id before any reply can come. */
  ask<K extends keyof Requests>(
    kind: K,
    body: Requests[K]['request'],
    thing?: string,
    onSend?: (id: number) => void,
  ): Promise<Message> {
    if (this.#state !== 'live' || !this.#socket) return Promise.reject(new ConnectionLost());
    const [port, name] = kind.split(' ', 2) as [string, string];
    const id = (this.#lastId = (this.#lastId % LAST_ID) + 1);
    const replied = new Promise<Message>((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    onSend?.(id);
    this.#socket.send(JSON.stringify({ port: Number(port), name, id, thing, body }));
    return replied;
  }

  async #try(): Promise<void> {
    const attempt = ++this.#attempt;
    this.#become('connecting');
    let token: string | undefined;
    try {
      token = await this.#options.token?.();
    } catch {
      // No token, no connection: the server that gives tokens may be away as well.
      if (attempt === this.#attempt) this.#lost();
      return;
    }
    if (attempt !== this.#attempt) return;
    const Socket = this.#options.WebSocket ?? (globalThis.WebSocket as unknown as StreamOptions['WebSocket']);
    if (!Socket) throw new Error('there is no WebSocket here; give one in the options');
    const protocols = token === undefined ? [SUBPROTOCOL] : [SUBPROTOCOL, `bearer.${token}`];
    const base = new URL('/_stream', this.#options.url ?? globalThis.location?.href);
    base.protocol = base.protocol.replace('http', 'ws');
    const socket = new Socket(base.href, protocols);
    this.#socket = socket;
    socket.onmessage = (event: { data: unknown }) => {
      if (socket === this.#socket) this.#receive(String(event.data));
    };
    socket.onclose = (event: { code: number; reason: string }) => {
      if (socket !== this.#socket) return;
      const final = event.code >= FIRST_FINAL_CODE && event.code < 5000;
      if (final) this.#end({ code: event.code, reason: event.reason });
      else this.#lost();
    };
    // What follows an error is a close.
    socket.onerror = () => {};
    this.#hear();
  }

  #receive(text: string): void {
    const message = JSON.parse(text) as Message;
    this.#hear();
    if (message.id !== undefined) {
      const waiting = this.#waiting.get(message.id);
      this.#waiting.delete(message.id);
      if (message.error) waiting?.reject(new RequestError(message.error));
      else waiting?.resolve(message);
      return;
    }
    if (message.port === 0) this.#session(message);
    this.#emit('push', message);
  }

  #session({ name, body }: Message): void {
    if (name === 'welcome') {
      const welcome = body as Welcome;
      if (this.#user !== undefined && welcome.user !== this.#user) {
        this.#lost();
        return this.#emit('stranger', welcome);
      }
      this.#welcome = welcome;
      this.#backOff.succeeded();
      this.#hear();
      this.#become('live');
      this.#emit('live', this.#welcome);
    } else if (name === 'drain') {
      this.#lost((body as { retry_after_ms: number }).retry_after_ms);
    } else if (name === 'token_expiring' && this.#options.token) {
      this.#options.token().then(
        (token) => this.request('0 refresh', { token }).catch(() => {}),
        () => {},
      );
    }
  }

  /** Browsers answer pings unseen, so silence is measured by asking one ourselves. */
  #hear(): void {
    clearTimeout(this.#silence);
    const { ping_ms, pong_ms } = this.#welcome ?? { ping_ms: 25_000, pong_ms: 10_000 };
    this.#silence = setTimeout(() => {
      if (this.#state !== 'live') return this.#lost();
      this.request('0 ping', {}).catch(() => {});
      this.#silence = setTimeout(() => this.#lost(), pong_ms + SILENCE_SLACK_MS);
    }, ping_ms);
  }

  /** The connection is gone; the next try comes after `after` milliseconds, or after a back-off. */
  #lost(after?: number): void {
    this.#drop();
    const wait = after ?? this.#backOff.afterFailure(Math.random());
    this.#retry = setTimeout(() => void this.#try(), wait);
    this.#become('waiting');
  }

  #end(ended: Ended): void {
    if (this.#state === 'ended') return;
    this.#drop();
    this.#become('ended');
    this.#emit('ended', ended);
  }

  #drop(): void {
    this.#attempt += 1;
    clearTimeout(this.#retry);
    clearTimeout(this.#silence);
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close();
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    waiting.forEach(({ reject }) => reject(new ConnectionLost()));
  }

  #become(state: StreamState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#emit('state', state);
  }

  #emit<K extends keyof StreamEvents>(event: K, value: StreamEvents[K]): void {
    for (const listener of [...(this.#listeners.get(event) ?? [])]) (listener as Listener<StreamEvents[K]>)(value);
  }
}
