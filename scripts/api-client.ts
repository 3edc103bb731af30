// The few lines that any language needs to call the API: JSON over HTTP, problems as errors.

export type Json = Record<string, unknown>;

export class ApiClient {
  readonly url: string;

  constructor(url: string) {
    this.url = url;
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
      ...(body && { body: JSON.stringify(body), headers: { ...headers, 'content-type': 'application/json' } }),
    });
    const text = await response.text();
    const answer: unknown = text === '' ? null : JSON.parse(text);
    if (!response.ok) throw new Error(`${method} ${path}: ${(answer as { detail?: string }).detail ?? text}`);
    return answer as T;
  }
}
