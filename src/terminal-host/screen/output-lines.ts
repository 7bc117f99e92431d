const ESC = 0x1b
const LINE_FEED = 0x0a
/** Of a line that is searched. */
const MOST_LINE_BYTES = 65_536
const MOST_SHOWN = 2_000

const SEQUENCES =
  // oxlint-disable-next-line no-control-regex
  /\u001b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\u001b\u0007]*(?:\u0007|\u001b\\|$)|[ -/]*[0-~]|$)/gu
// oxlint-disable-next-line no-control-regex
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f]/gu

/** What was written over is gone: carriage returns, backspaces. */
const overwritten = (text: string): string => {
  const shown: string[] = []
  let at = 0
  for (const char of text) {
    if (char === '\r') at = 0
    else if (char === '\b') at = Math.max(0, at - 1)
    else {
      shown[at] = char
      at += 1
    }
  }
  return shown.join('')
}

/** A line of output as text. */
const lineText = (bytes: Buffer): string => {
  const cut = bytes.length > MOST_LINE_BYTES ? bytes.subarray(bytes.length - MOST_LINE_BYTES) : bytes
  let text = cut.toString('utf8')
  if (cut.includes(ESC)) text = text.replaceAll(SEQUENCES, '')
  text = text.replace(/\r+$/u, '')
  if (text.includes('\r') || text.includes('\b')) text = overwritten(text)
  return text.replaceAll(CONTROLS, '')
}

export type Found = { readonly at: number; readonly line: string }

/** The last lines that match, oldest first; `at`: of their first byte in these. */
export const findLines = (
  bytes: Buffer,
  matches: (line: string) => boolean,
  limit: number,
): { readonly found: readonly Found[]; readonly hasMore: boolean } => {
  const found: Found[] = []
  for (let end = bytes.length; end > 0;) {
    const before = end === 1 ? -1 : bytes.lastIndexOf(LINE_FEED, end - 2)
    const line = lineText(bytes.subarray(before + 1, bytes[end - 1] === LINE_FEED ? end - 1 : end))
    if (matches(line)) {
      if (found.length === limit) return { found: found.reverse(), hasMore: true }
      found.push({ at: before + 1, line: line.slice(0, MOST_SHOWN) })
    }
    end = before + 1
  }
  return { found: found.reverse(), hasMore: false }
}

/** @throws SyntaxError */
export const matcher = (pattern: string, isRegex: boolean, ignoresCase: boolean): ((line: string) => boolean) => {
  if (isRegex) {
    const regex = new RegExp(pattern, ignoresCase ? 'iu' : 'u')
    return (line) => regex.test(line)
  }
  if (!ignoresCase) return (line) => line.includes(pattern)
  const lower = pattern.toLowerCase()
  return (line) => line.toLowerCase().includes(lower)
}
