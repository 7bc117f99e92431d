/** The kinds of thing that have an id, by prefix. Source: requirement ID-1. */
export const ID_PREFIXES = {
  workspace: 'ws',
  lane: 'ln',
  session: 'ss',
  terminal: 'tm',
  run: 'rn',
  correlation: 'cor',
  pty: 'pt',
  task: 'tk',
  share: 'sh',
  agent: 'ag',
  mission: 'ms',
  approval: 'ap',
  audit: 'au',
} as const

export type IdKind = keyof typeof ID_PREFIXES
type Prefix<K extends IdKind> = (typeof ID_PREFIXES)[K]
/** An id such as `ln_01J9ZC3K6Q4WZP2J9ZC3K6Q4WZ`: the kind's prefix, an underscore, a ULID. */
export type Id<K extends IdKind> = `${Prefix<K>}_${string}`

export type WorkspaceId = Id<'workspace'>
export type LaneId = Id<'lane'>
export type TerminalId = Id<'terminal'>
export type PtyId = Id<'pty'>
export type RunId = Id<'run'>
export type CorrelationId = Id<'correlation'>
