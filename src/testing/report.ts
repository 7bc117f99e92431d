/** What a check found. It fails by its report, not by throwing, so that all problems are seen at once. */
export type CheckReport = {
  readonly ok: boolean
  /** One text a problem: what was expected where, and how to get there. */
  readonly problems: readonly string[]
}

export const reportOf = (problems: readonly string[]): CheckReport => ({ ok: problems.length === 0, problems })

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
