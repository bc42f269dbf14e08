const CALL_TIMEOUT_MS = 30_000;

export type Answer = { status: number; body: Record<string, unknown> };

/** Calls the service as any caller would. */
export type Client = {
  get(path: string): Promise<Answer>;
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Answer>;
};

export function createClient(url: string, apiKey: string): Client {
  const call = async (method: string, path: string, body?: string, headers: Record<string, string> = {}): Promise<Answer> => {
    const content = body === undefined ? {} : { 'content-type': 'application/json' };
    const answer = await fetch(url + path, {
      method,
      ...(body === undefined ? {} : { body }),
      headers: { authorization: `Bearer ${apiKey}`, accept: 'application/json', ...content, ...headers },
      signal: AbortSignal.timeout(CALL_TIMEOUT_MS),
    });
    const text = await answer.text();
    return { status: answer.status, body: parse(text) };
  };
  return { get: (path) => call('GET', path), post: (path, body, headers) => call('POST', path, JSON.stringify(body), headers) };
}

function parse(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return { text };
  }
}
