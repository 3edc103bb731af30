// One call of a running server's API, for a command. Not with fetch, which gives up on an answer after five minutes.
import { request as overHttp } from 'node:http';
import { request as overHttps } from 'node:https';
import { ConfigError } from '../config.ts';

/** The answer to a POST of `{}`. Throws `ConfigError` with what the server says, or why there is none. */
export async function post<T>(url: string, path: string, key: string | undefined): Promise<T> {
  if (!/^https?:$/.test(URL.canParse(url) ? new URL(url).protocol : ''))
    throw new ConfigError(`The server's URL is "${url}"; give one such as http://127.0.0.1:8000.`);
  const request = url.startsWith('https:') ? overHttps : overHttp;
  const headers = {
    'content-type': 'application/json',
    'content-length': 2,
    ...(key !== undefined && { authorization: `Bearer ${key}` }),
  };
  const { status, text } = await new Promise<{ status: number; text: string }>((resolve, reject) => {
    const sent = request(new URL(path, url), { method: 'POST', headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }));
      response.on('error', reject);
    });
    sent.on('error', (error) =>
      reject(new ConfigError(`No server answers at ${url} (${error.message}); start it, or name another with --url.`)),
    );
    sent.end('{}');
  });
  if (status < 300) return JSON.parse(text) as T;
  throw new ConfigError(`${url} answers ${status}: ${detailOf(text)}`);
}

function detailOf(text: string): string {
  try {
    return (JSON.parse(text) as { detail?: string }).detail ?? text;
  } catch {
    return text.slice(0, 200);
  }
}
