import type { ProcessSample, ProcessTrees, TreeRoot } from '../../ports/process-table.port.ts'
import { parseLine, type Row, ROW_FIELDS } from './ps-line.ts'

/** KB; then user and system time as `1:02.03` or `1:02:03`; the foreground group; the command with its arguments. */
const REST = /^(\d+)\s+([\d:.]+)\s+(-?\d+)\s+(.*)$/

type Parts = { readonly bootId: () => string; readonly ps: (args: readonly string[]) => Promise<string> }

/** Trees by one `ps` for all: by parents and process groups, as sessions and the times of ended children are not told. */
export class DarwinProcessTrees implements ProcessTrees {
  private readonly parts: Parts
  /** Pid and start time of what was seen in each tree; by its mark, which no other has. */
  private trees = new Map<string, ReadonlySet<string>>()

  constructor(parts: Parts) {
    this.parts = parts
  }

  async look(roots: readonly TreeRoot[]): Promise<readonly (readonly ProcessSample[])[]> {
    if (roots.length === 0) return []
    const bootId = this.parts.bootId()
    const text = await this.parts.ps(['-axww', '-o', `${ROW_FIELDS},rss=,time=,tpgid=,command=`])
    const samples = text.split('\n').flatMap((line) => sampleOf(parseLine(line), bootId) ?? [])
    if (samples.length === 0) throw new Error('ps told of no process')
    const before = this.trees
    const found = roots.map(({ leader, mark }) =>
      treeOf(samples, leader.bootId === bootId ? keyOf(leader) : '', leader.pid, before.get(mark)),
    )
    this.trees = new Map(roots.map(({ mark }, index) => [mark, new Set((found[index] ?? []).map(keyOf))]))
    return found
  }
}

const keyOf = ({ pid, startTime }: Pick<ProcessSample, 'pid' | 'startTime'>): string => `${pid} ${startTime}`

function treeOf(
  samples: readonly ProcessSample[],
  leader: string,
  group: number,
  before: ReadonlySet<string> = new Set(),
): ProcessSample[] {
  const isLed = samples.some((one) => keyOf(one) === leader)
  const isKnown = (one: ProcessSample): boolean => keyOf(one) === leader || before.has(keyOf(one)) || (isLed && one.pgid === group)
  const tree = new Map(samples.filter(isKnown).map((one) => [one.pid, one]))
  for (let size = -1; size !== tree.size;) {
    size = tree.size
    for (const one of samples) if (tree.has(one.ppid)) tree.set(one.pid, one)
  }
  return [...tree.values()]
}

function sampleOf(row: Row | null, bootId: string): ProcessSample | null {
  const [, rss, time = '', foreground, command = ''] = REST.exec(row?.rest ?? '') ?? []
  if (row === null || rss === undefined) return null
  const { pid, ppid, pgid, state, startTime } = row
  return {
    pid,
    startTime,
    bootId,
    ppid,
    pgid,
    state,
    argv: command.split(' '),
    cpuMs: Math.round(time.split(':').reduce((seconds, part) => seconds * 60 + Number(part), 0) * 1_000),
    childrenCpuMs: 0,
    rssBytes: Number(rss) * 1_024,
    sharedBytes: 0,
    foreground: Number(foreground) > 0 ? Number(foreground) : null,
  }
}
