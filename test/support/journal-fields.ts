// Reads an entry of journald's own protocol as journald does, in both forms of a field.

/** Names and values in order; throws when the entry breaks off within a field. */
export function journalFields(entry: Buffer): (readonly [string, string])[] {
  const fields: (readonly [string, string])[] = [];
  for (let at = 0; at < entry.byteLength; ) {
    const lineEnd = entry.indexOf('\n', at);
    if (lineEnd < 0) throw new RangeError('a field without an end');
    const line = entry.toString('utf8', at, lineEnd);
    const equals = line.indexOf('=');
    if (equals >= 0) {
      fields.push([line.slice(0, equals), line.slice(equals + 1)]);
      at = lineEnd + 1;
      continue;
    }
    const begin = lineEnd + 9;
    const end = begin + Number(entry.readBigUInt64LE(lineEnd + 1));
    if (entry.toString('latin1', end, end + 1) !== '\n')
      throw new RangeError(`${line} is not as long as it says`);
    fields.push([line, entry.toString('utf8', begin, end)]);
    at = end + 1;
  }
  return fields;
}
