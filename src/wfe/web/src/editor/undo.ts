/**
 * Undo and redo: first of what was done on this page, step by step as it was done; beyond that, the server takes back
 * what the same person did before.
 */
import type { UndoManager } from 'yjs';

import { Refused } from '../ajax.js';

export interface UndoServer {
  /** The last change that is known here, by its place in the log. */
  offset(): number;
  /** Whether it can be asked now. */
  isThere(): boolean;
  /** Has it take back, or make again, the last change before this one. */
  ask(action: 'undo' | 'redo', before: number | undefined): Promise<void>;
}

export class Undo {
  readonly #own: UndoManager;
  readonly #server: UndoServer;
  readonly #onChange: () => void;
  /** What was the last change when something was done here for the first time. */
  #until: number | undefined;
  /** How many changes of before that the server has taken back. */
  #beyond = 0;
  #isExhausted = false;
  #isAsking = false;

  /** Calls `onChange` whenever something else can be undone or redone. */
  constructor(own: UndoManager, server: UndoServer, onChange: () => void) {
    this.#own = own;
    this.#server = server;
    this.#onChange = onChange;
    own.on('stack-item-added', ({ type, origin }: { type: 'undo' | 'redo'; origin: unknown }) => {
      if (type === 'undo' && origin !== own) {
        this.#until ??= server.offset();
        this.#beyond = 0;
      }
      onChange();
    });
    own.on('stack-item-popped', onChange);
  }

  get canUndo(): boolean {
    return this.#own.undoStack.length > 0 || (this.#server.isThere() && !this.#isExhausted);
  }

  get canRedo(): boolean {
    return this.#beyond > 0 ? this.#server.isThere() : this.#own.redoStack.length > 0;
  }

  /** What is to be said of it, if anything is. */
  async undo(): Promise<string> {
    if (this.#own.undoStack.length > 0) this.#own.undo();
    else if (this.canUndo) return this.#ask('undo');
    return '';
  }

  /** The same. */
  async redo(): Promise<string> {
    if (this.#beyond > 0) return this.#ask('redo');
    this.#own.redo();
    return '';
  }

  /** From now on the server alone knows what was done last: it has just made a change for this person. */
  restart(): void {
    this.#own.clear();
    [this.#until, this.#beyond, this.#isExhausted] = [undefined, 0, false];
    this.#onChange();
  }

  async #ask(action: 'undo' | 'redo'): Promise<string> {
    if (this.#isAsking) return '';
    this.#isAsking = true;
    this.#own.stopCapturing();
    try {
      await this.#server.ask(action, this.#until === undefined ? undefined : this.#until + 1);
      this.#beyond += action === 'undo' ? 1 : -1;
      this.#isExhausted = false;
      return '';
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      if (error.code === 'nothing_to_undo') this.#isExhausted = true;
      else if (error.code === 'nothing_to_redo') this.#beyond = 0;
      else return `That did not work: ${error.message}.`;
      return action === 'undo' ? 'You have nothing more to undo here.' : 'You have nothing more to redo here.';
    } finally {
      this.#isAsking = false;
      this.#onChange();
    }
  }
}
