import { CATALOGUE } from '../../src/protocols/error-catalogue.ts'
import { generatedFrom, table } from './markdown.ts'

const AREAS: Readonly<Record<string, string>> = {
  ID: 'Ids',
  PLAN: 'Plans',
  CONFIG: 'Configuration',
  ORCHESTRATOR: 'The orchestrator',
  SERVICE: 'The orchestrator',
  GIT: 'git',
  WORKSPACE: 'Workspaces',
  WORKTREE: 'Worktrees',
  LANE: 'Lanes',
  DISK: 'Disk',
  PTY: 'Terminals',
  EXEC: 'Exec helper',
  LOG: 'Logs',
  STORE: 'Records',
  ACTOR: 'Actors',
  MAILBOX: 'Mailboxes',
  ASK: 'Questions between actors',
  SUPERVISOR: 'Supervisors',
  RUN: 'Runs',
  RUNTIME: 'Runtime',
  CONTROL: 'Control socket',
  TERMINAL: 'Terminals',
  USAGE: 'Command line',
  NODE: 'Node.js',
}

const areaOf = (code: string): string => {
  const area = code.split('_')[1] ?? ''
  return AREAS[area] ?? area
}

export const errorsPage = (): string => {
  const entries = Object.entries(CATALOGUE)
  const areas = [...new Set(entries.map(([code]) => areaOf(code)))]
  const section = (area: string): string =>
    `## ${area}\n\n${table(
      ['code', 'kind', 'retryable', 'what happened', 'what to do'],
      entries
        .filter(([code]) => areaOf(code) === area)
        .map(([code, { kind, retryable, text, next }]) => [`\`${code}\``, kind, retryable ? 'yes' : 'no', text, next]),
    )}`
  return `${generatedFrom('src/protocols/error-catalogue.ts')}

# Errors

Every error that signalbox raises on purpose is a \`SignalboxError\` with one of these codes. The kind says whose the cause is: \`fault\` of the outside (file system, git, the kernel), \`defect\` of signalbox, \`usage\` by the caller, \`interrupt\` by somebody who asked to stop. Retryable: the same call may succeed later without a change by the caller. The message names the thing it happened to.

${areas.map(section).join('\n\n')}
`
}
