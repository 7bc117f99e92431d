import { inspect } from 'node:util'
import type { CrashDossier, ProcessEvidence, UsageRecord } from '../protocols/dossier.ts'
import { findingText } from '../protocols/exit-words.ts'
import type { FiledDossier } from '../runtime/inspection.ts'
import { briefOf } from '../runtime/crashes/crash-brief.ts'
import { megabytes } from '../protocols/words.ts'
import type { Paint } from './paint.ts'
import { duration, plainLine } from './text.ts'

const timeOf = (at: number): string => `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')}Z`

const subjectOf = ({ lane, command, actor }: CrashDossier): string => {
  if (actor.kind === 'pty' && lane !== null) return `${lane}/${command}`
  return lane === null ? actor.name : `${lane}: ${actor.kind}`
}

/** Crashes, oldest first, two lines each. */
export const renderCrashes = (crashes: readonly FiledDossier[], paint: Paint): string[] =>
  crashes.length === 0
    ? ['no crashes are on record']
    : crashes.flatMap((crash) => {
        const { exit, decision } = briefOf(crash)
        const next = decision === null ? '' : `; ${decision}`
        return [
          `${timeOf(crash.at)}  ${paint('bold', subjectOf(crash))}  ${paint('red', plainLine(exit))}${plainLine(next)}`,
          `  ${paint('dim', crash.id)}`,
        ]
      })

const usageLine = (what: string, usage: UsageRecord | null): string[] =>
  usage === null
    ? []
    : [
        `  ${what}: ${megabytes(usage.rssBytes)} (at most ${megabytes(usage.peakRssBytes)}), ${duration(usage.cpuMs)} of CPU${usage.fds === null ? '' : `, ${usage.fds} descriptors`}`,
      ]

const processLines = ({ attempt, pid, argv, cwd, durationMs, signals, survivors, finding, log }: ProcessEvidence): string[] => [
  `  attempt ${attempt}${pid === null ? '' : `, pid ${pid}`}${durationMs === null ? '' : `, after ${duration(durationMs)}`}: ${plainLine(argv.join(' '))}`,
  ...(cwd === null ? [] : [`  in ${plainLine(cwd)}`]),
  ...(finding === null ? [] : [`  ${plainLine(findingText(finding))}`]),
  ...signals.map(({ signal, askedBy, outcome }) => `  ${signal} by ${plainLine(askedBy)}: ${outcome}`),
  ...survivors.map((left) => `  left behind: pid ${left.pid} ${plainLine(left.command)} (${left.endedBy})`),
  ...(log === null ? [] : [`  log: ${log}`]),
]

/** As short as it can be read; the file has it whole. */
const valueLines = (value: unknown): string[] =>
  inspect(value, { depth: 5, breakLength: 78, compact: 3, maxArrayLength: 8, maxStringLength: 500 })
    .split('\n')
    .map((line) => `  ${plainLine(line)}`)

/** The whole of a dossier for people. */
export const renderCrash = (crash: FiledDossier, paint: Paint): string[] => {
  const { actor, handling, state, history, process, resources, lost, file } = crash
  const { exit, decision } = briefOf(crash)
  const section = (title: string, lines: readonly string[]): string[] => (lines.length === 0 ? [] : ['', paint('bold', title), ...lines])
  return [
    `${paint('bold', subjectOf(crash))} ${paint('red', plainLine(exit))}  (${actor.name}$${actor.incarnation}, ${timeOf(crash.at)})`,
    decision === null ? 'its supervisor was not asked' : plainLine(decision),
    ...section('Process', process === null ? [] : processLines(process)),
    ...section('Last output', process?.lastLines.map((line) => `  ${plainLine(line)}`) ?? []),
    ...section(
      'Was handling',
      handling === null ? [] : [`  ${plainLine(handling.type)}  from ${handling.from ?? 'outside'}`, ...valueLines(handling.message)],
    ),
    ...section(
      'Last messages',
      history.map(
        ({ type, from, message }) => `  ${plainLine(`${type}${from === null ? '' : ` from ${from}`}: ${JSON.stringify(message)}`)}`,
      ),
    ),
    ...section('Resources', [
      ...usageLine('the process', process?.usage ?? null),
      ...usageLine('signalbox', resources.orchestrator),
      `  the machine: ${megabytes(resources.freeMemoryBytes)} free, load ${resources.load1.toFixed(2)}`,
    ]),
    ...section('State', state === null ? [] : valueLines(state)),
    ...(lost === 0 ? [] : ['', `${lost} crashes before this one are not on record`]),
    '',
    file,
  ]
}
