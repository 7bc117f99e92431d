import type { ProcessIdentity } from '../ports/process-table.port.ts'
import type { PtySpec } from '../ports/terminal-host.port.ts'
import type { AppliedLimits } from '../protocols/limits.ts'
import type { CheckedSpec } from './spawn-check.ts'

/** What is kept with a terminal for the process that takes it over. Neither arguments nor environment: they may hold secrets. */
export type Memo = Pick<PtySpec, 'ptyId' | 'mark' | 'log'> &
  Pick<CheckedSpec, 'cols' | 'rows' | 'ringBytes'> & { readonly identity: ProcessIdentity; readonly applied: AppliedLimits }

export function memoOf(
  { spec: { ptyId, mark, log }, cols, rows, ringBytes }: CheckedSpec,
  identity: ProcessIdentity,
  applied: AppliedLimits,
): string {
  const memo: Memo = { ptyId, mark, cols, rows, ringBytes, identity, applied, ...(log !== undefined && { log }) }
  return JSON.stringify(memo)
}

/** @returns null for a text of somebody else. */
export function parseMemo(text: string): Memo | null {
  try {
    const memo = JSON.parse(text) as Partial<Memo> | null
    const isOurs =
      typeof memo?.ptyId === 'string' &&
      typeof memo.mark === 'string' &&
      typeof memo.identity?.pid === 'number' &&
      [memo.cols, memo.rows, memo.ringBytes].every((value) => Number.isSafeInteger(value))
    return isOurs ? (memo as Memo) : null
  } catch {
    return null
  }
}
