/** User actions by HTTP, with the page's login. */

export class Refused extends Error {
  readonly code: string;
  readonly status: number;
  /** Milliseconds, where the server says when to come back. */
  readonly retryAfter: number | undefined;

  constructor(status: number, problem: { name?: string; detail?: string; retry_after_ms?: number }) {
    super(problem.detail ?? 'the server cannot be reached');
    this.status = status;
    this.code = problem.name ?? 'unavailable';
    this.retryAfter = problem.retry_after_ms;
  }
}

export const get = <T>(action: string, query: Record<string, string>): Promise<T> =>
  ask(`/_ajax/${action}?${new URLSearchParams(query)}`, {});

export const post = <T>(action: string, body: object): Promise<T> =>
  ask(`/_ajax/${action}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

async function ask<T>(url: string, request: RequestInit): Promise<T> {
  let answer: Response;
  try {
    answer = await fetch(url, request);
  } catch {
    throw new Refused(0, { detail: 'the server cannot be reached' });
  }
  if (answer.ok) return (await answer.json()) as T;
  throw new Refused(answer.status, await answer.json().catch(() => ({})));
}
