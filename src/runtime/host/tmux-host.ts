import { locatePaneHolder } from '../../adapters/tmux/holder-path.ts'
import { TmuxLines, type TmuxLinesOptions } from '../../adapters/tmux/tmux-lines.adapter.ts'
import type { TerminalCapabilities, TerminalHost } from '../../ports/terminal-host.port.ts'
import { InProcessTerminalHost, type InProcessTerminalHostOptions } from '../../terminal-host/in-process-host.ts'

export type TmuxTerminalHostOptions = Omit<TmuxLinesOptions, 'holderPath'> &
  Pick<InProcessTerminalHostOptions, 'cgroups' | 'ringBudgetBytes'>

const CAPABILITIES: Partial<TerminalCapabilities> = { outlivesOrchestrator: true, answersQueries: true, attachCommand: true }

/**
 * Opens the terminals of a private tmux server: those that run are there at once; the server is started with the first
 * one. Ended with the last terminal, and a minute after its host died at the latest.
 * @throws ERR_TMUX_MISSING, ERR_TMUX_IN_USE, ERR_TMUX_FAILED, ERR_EXEC_HELPER_MISSING
 */
export const openTmuxTerminalHost = async (options: TmuxTerminalHostOptions): Promise<TerminalHost> => {
  const { lines, found } = await TmuxLines.open({ ...options, holderPath: locatePaneHolder() })
  const host = new InProcessTerminalHost({ ...options, lines, capabilities: CAPABILITIES })
  for (const one of found) await host.adopt(one)
  return host
}
