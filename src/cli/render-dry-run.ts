import type { DryRun, PlannedLane, PlannedNode } from '../protocols/dry-run.ts'
import type { Paint } from './paint.ts'
import { count } from './plural.ts'
import { cut, plainLine, span } from './text.ts'
import { COLUMNS } from './wrap.ts'

const stops = (shutdown: PlannedNode['shutdown']): string => {
  if (shutdown === 'brutal') return 'killed at once'
  return shutdown === 'infinity' ? 'stops without limit' : `stops in ${span(shutdown)}`
}

const aboutSupervisor = ({ strategy, intensity, backoff, autoShutdown }: NonNullable<PlannedNode['supervises']>): string =>
  [
    strategy,
    `${intensity.restarts} in ${span(intensity.withinMs)}`,
    ...(backoff === null ? [] : [`backoff ${span(backoff.minMs)} … ${span(backoff.maxMs)}`]),
    ...(autoShutdown === 'never' ? [] : [autoShutdown]),
  ].join(', ')

const about = ({ restart, shutdown, supervises, significant }: PlannedNode): string => {
  const child = `${restart}, ${stops(shutdown)}${significant ? ', significant' : ''}`
  return supervises === null ? child : `${aboutSupervisor(supervises)}; ${child}`
}

/** Name and what it is on lines of their own where they do not fit side by side. */
const nodeLines = (node: PlannedNode, own: string, below: string, paint: Paint): string[] => {
  const name = plainLine(node.name)
  const detail = about(node)
  const fits = own.length + name.length + detail.length + 2 <= COLUMNS
  const bar = node.children.length > 0 ? '│ ' : '  '
  const head = fits
    ? [`${own}${name}  ${paint('dim', detail)}`]
    : [cut(`${own}${name}`, COLUMNS), ...wrap(detail, COLUMNS - below.length - 2).map((part) => `${below}${bar}${paint('dim', part)}`)]
  const children = node.children.flatMap((child, index) => {
    const isLast = index === node.children.length - 1
    return nodeLines(child, `${below}${isLast ? '└─ ' : '├─ '}`, `${below}${isLast ? '   ' : '│  '}`, paint)
  })
  return [...head, ...children]
}

/** Broken after commas and semicolons. */
const wrap = (text: string, columns: number): string[] => {
  const lines: string[] = []
  for (const part of text.split(/(?<=[,;]) /)) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + part.length <= columns) lines[lines.length - 1] = `${last} ${part}`
    else lines.push(part)
  }
  return lines
}

const words = (argv: readonly string[]): string =>
  plainLine(argv.map((word) => (/^[\w./:=@%+,-]+$/.test(word) ? word : JSON.stringify(word))).join(' '))

const laneLines = (lane: PlannedLane, paint: Paint): string[] => {
  const facts: [string, string][] = [
    ['base', `${lane.base}${lane.commit === null ? '' : ` (${lane.commit.slice(0, 12)})`}`],
    ['worktree', lane.worktree],
    ['branch', lane.branch],
    ['after', lane.after.join(', ')],
    ['copy', lane.copy.join(', ')],
    ['env', lane.envNames.join(', ')],
  ]
  return [
    paint('bold', cut(plainLine(lane.name), COLUMNS)),
    ...facts.filter(([, text]) => text !== '').map(([name, text]) => cut(`  ${name.padEnd(9)} ${plainLine(text)}`, COLUMNS)),
    ...lane.commands.flatMap(({ name, argv, graceMs, envNames }) => [
      cut(`  ${name}: ${words(argv)}`, COLUMNS),
      paint('dim', cut(`    grace ${span(graceMs)}${envNames.length > 0 ? `; env ${envNames.join(', ')}` : ''}`, COLUMNS)),
    ]),
  ]
}

/** What would run, and what was checked, in 80 columns. Long paths are cut: `--json` has them whole. */
export const renderDryRun = ({ ok, keep, parallel, lanes, tree, checks }: DryRun, paint: Paint): string[] => {
  const bad = checks.filter((check) => check.ok === false)
  const open = checks.filter((check) => check.ok === null)
  return [
    `${count(lanes.length, 'lane')}, ${parallel} at once; worktrees kept: ${keep}`,
    '',
    ...lanes.flatMap((lane) => [...laneLines(lane, paint), '']),
    ...nodeLines(tree, '', '', paint),
    '',
    ...bad.flatMap(({ name, detail, remedy }) => [
      `${paint('red', '✘')} ${plainLine(name)}: ${plainLine(detail)}`,
      ...(remedy === null ? [] : [`  next: ${plainLine(remedy)}`]),
    ]),
    ...open.map(({ name, detail }) => `${paint('dim', '-')} ${plainLine(name)}: ${plainLine(detail)}`),
    ok
      ? paint('green', `✔ ${count(checks.length, 'check')}; nothing was started or written`)
      : paint('red', `✘ ${count(bad.length, 'check')} failed; nothing was started or written`),
  ]
}
