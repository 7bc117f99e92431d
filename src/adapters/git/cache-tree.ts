const SIGNATURE = Buffer.from('TREE')

/** Nodes of the extension: a path, NUL, `<entries> <subtrees>`, a line feed, and the object unless it is out of date. */
const parse = (extension: Buffer, oidBytes: number): readonly string[] | null => {
  const oids: string[] = []
  for (let at = 0; at < extension.length;) {
    const name = extension.indexOf(0, at)
    const line = extension.indexOf(10, name)
    const counts = /^(-?\d+) \d+$/u.exec(extension.toString('latin1', name + 1, line))
    if (name < 0 || line < 0 || counts === null) return null
    at = line + 1
    if (counts[1]?.startsWith('-') === true) continue
    if (at + oidBytes > extension.length) return null
    oids.push(extension.toString('hex', at, at + oidBytes))
    at += oidBytes
  }
  return oids
}

/**
 * Trees that an index names beside its entries. git takes them for there, and complains where they were collected. Source:
 * gitformat-index(5), "Cache tree".
 */
export const cacheTrees = (index: Buffer, oidBytes: number): readonly string[] => {
  for (let at = index.lastIndexOf(SIGNATURE); at > 0; at = index.lastIndexOf(SIGNATURE, at - 1)) {
    if (at + 8 > index.length) continue
    const end = at + 8 + index.readUInt32BE(at + 4)
    const oids = end <= index.length ? parse(index.subarray(at + 8, end), oidBytes) : null
    // Anything else may hold these letters; only the extension can be read to its end.
    if (oids !== null && oids.length > 0) return oids
  }
  return []
}
