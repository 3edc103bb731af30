// Content negotiation by Accept (RFC 9110 §12.5.1).

interface MediaRange {
  readonly type: string;
  readonly subtype: string;
  readonly quality: number;
}

/** The one of `offered` that `accept` prefers, the earlier one where it does not care; null where it refuses them all. */
export function negotiate<T extends string>(accept: string | undefined, offered: readonly T[]): T | null {
  if (accept === undefined || accept === '*/*' || accept.trim() === '') return offered[0] ?? null;
  // What most programs send.
  const exact = offered.find((mediaType) => mediaType === accept);
  if (exact !== undefined) return exact;
  const ranges = accept.split(',').map(parseRange);
  let best: T | null = null;
  let bestQuality = 0;
  for (const mediaType of offered) {
    const quality = qualityOf(mediaType, ranges);
    if (quality > bestQuality) [best, bestQuality] = [mediaType, quality];
  }
  return best;
}

function qualityOf(mediaType: string, ranges: readonly MediaRange[]): number {
  const [type, subtype] = mediaType.split('/');
  // The most specific range that matches decides, so that `*/*, text/html;q=0` means anything but HTML.
  const matching = ranges
    .filter(
      (range) => (range.type === '*' || range.type === type) && (range.subtype === '*' || range.subtype === subtype),
    )
    .sort((a, b) => specificity(b) - specificity(a));
  return matching[0]?.quality ?? 0;
}

function specificity({ type, subtype }: MediaRange): number {
  return Number(type !== '*') + Number(subtype !== '*');
}

function parseRange(text: string): MediaRange {
  const [name = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase());
  const [type = '', subtype = ''] = name.split('/');
  const quality = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
  const parsed = quality === undefined ? 1 : Number(quality);
  return { type, subtype, quality: Number.isFinite(parsed) ? parsed : 0 };
}
