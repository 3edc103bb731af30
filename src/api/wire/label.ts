// Labels in a query: `?label=run:first&label=team:legs`.

/** Validation has made sure that each holds a colon; a value may hold more of them. */
export function labelsOf(asked: readonly string[] | undefined): Readonly<Record<string, string>> {
  return Object.fromEntries((asked ?? []).map((label) => splitOnce(label, ':')));
}

function splitOnce(text: string, separator: string): readonly [string, string] {
  const at = text.indexOf(separator);
  return [text.slice(0, at), text.slice(at + 1)];
}
