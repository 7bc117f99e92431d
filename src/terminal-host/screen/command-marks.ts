const MARK = Buffer.from('\u001b]133;')
const BEL = 0x07
const ESC = 0x1b

type Mark = {
  readonly kind: string
  readonly data: string
  /** Of its first byte, and of the first after it. */ readonly at: number
  readonly end: number
}

/** Marks of a shell (OSC 133): A prompt, B what is typed, C output, D end. */
const marksIn = (bytes: Buffer): Mark[] => {
  const marks: Mark[] = []
  for (let at = bytes.indexOf(MARK); at >= 0; at = bytes.indexOf(MARK, at + MARK.length)) {
    const start = at + MARK.length
    let end = start
    while (end < bytes.length && bytes[end] !== BEL && bytes[end] !== ESC) end += 1
    if (end === bytes.length) break
    const body = bytes.toString('latin1', start, end)
    marks.push({ kind: body.slice(0, 1), data: body.slice(2), at, end: end + (bytes[end] === ESC ? 2 : 1) })
  }
  return marks
}

export type MarkedCommand = {
  /** Of its output. */
  readonly start: number
  readonly end: number
  /** What was typed; null: not marked. */
  readonly typed: { readonly start: number; readonly end: number } | null
  readonly isRunning: boolean
  readonly exitCode: number | null
  /** Its beginning is not here. */
  readonly isCut: boolean
}

/** The last command that has run or runs; null where nothing is marked. */
export const lastCommand = (bytes: Buffer): MarkedCommand | null => {
  const marks = marksIn(bytes)
  const begun = marks.findLastIndex(({ kind }) => kind === 'C')
  const ended = marks.findIndex(({ kind }, index) => index > begun && (kind === 'D' || (begun >= 0 && kind === 'A')))
  const end = marks[ended]
  const begin = marks[begun]
  if (begin === undefined && end === undefined) return null
  const typed = begun > 0 && marks[begun - 1]?.kind === 'B' ? marks[begun - 1] : undefined
  const code = end?.kind === 'D' ? /^\d+/u.exec(end.data)?.[0] : undefined
  return {
    start: begin?.end ?? 0,
    end: end?.at ?? bytes.length,
    typed: typed === undefined || begin === undefined ? null : { start: typed.end, end: begin.at },
    isRunning: end === undefined,
    exitCode: code === undefined ? null : Number(code),
    isCut: begin === undefined,
  }
}
