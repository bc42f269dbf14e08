type Range = { type: string; quality: number };

/**
 * Which of the media types offered an Accept header asks for (RFC 9110, section 12.5.1): the one of the highest quality,
 * of several the one that is named most exactly, of those the one named first. Where it asks for none of them, or for
 * nothing, the first offered: an answer of another type is worth more than none.
 */
export function preferredType<const T extends string>(accept: string | undefined, offered: readonly [T, ...T[]]): T {
  const ranges = (accept ?? '').toLowerCase().split(',').map(rangeOf);
  const wanted = offered.flatMap((type) => {
    const patterns = [type, `${type.split('/')[0]}/*`, '*/*'];
    const exactness = patterns.findIndex((pattern) => ranges.some((range) => range.type === pattern));
    const place = ranges.findIndex((range) => range.type === patterns[exactness]);
    const quality = ranges[place]?.quality ?? 0;
    return quality > 0 ? [{ type, quality, exactness, place }] : [];
  });
  wanted.sort((a, b) => b.quality - a.quality || a.exactness - b.exactness || a.place - b.place);
  return wanted[0]?.type ?? offered[0];
}

function rangeOf(text: string): Range {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim());
  const quality = parameters.find((parameter) => parameter.startsWith('q='));
  return { type, quality: quality === undefined ? 1 : Number(quality.slice(2)) };
}
