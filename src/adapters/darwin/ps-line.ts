/** What every call of `ps` is asked for first. */
export const ROW_FIELDS = 'pid=,ppid=,pgid=,stat=,lstart='
/** pid ppid pgid stat, then lstart in five words, such as "Sat Nov 21 08:00:41 2026", then what was asked beside. */
const LINE = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(\S+ \S+\s+\d+ [\d:]+ \d+)\s*(.*)$/

export type Row = { pid: number; ppid: number; pgid: number; state: string; startTime: string; rest: string }

export function parseLine(line: string): Row | null {
  const match = LINE.exec(line)
  if (match === null) return null
  const [, pid, ppid, pgid, stat = '?', startTime = '', rest = ''] = match
  return { pid: Number(pid), ppid: Number(ppid), pgid: Number(pgid), state: stat.charAt(0), startTime, rest }
}
