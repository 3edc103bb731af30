// The few lines that any language needs to call the API: JSON over HTTP, problems as errors.

export type Json = Record<string, unknown>;

export class ApiClient {
  readonly url: string;
  /** Sent with every request. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(url: string, key: string | null = null) {
    this.url = url;
    this.headers = key === null ? {} : { authorization: `Bearer ${key}` };
  }

  async get<T>(path: string): Promise<T> {
    return await this.#call<T>('GET', path);
  }

  async post<T>(path: string, body: Json = {}, headers: Readonly<Record<string, string>> = {}): Promise<T> {
    return await this.#call<T>('POST', path, body, headers);
  }

  async delete(path: string): Promise<void> {
    await this.#call('DELETE', path);
  }

  async #call<T>(
    method: string,
    path: string,
    body?: Json,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<T> {
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: { ...this.headers, ...headers, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const answer: unknown = text === '' ? null : JSON.parse(text);
    if (!response.ok) throw new Error(`${method} ${path}: ${(answer as { detail?: string }).detail ?? text}`);
    return answer as T;
  }
}
