/** With what a terminal was lost, as its record and events say it. */
export const LOST_WITH = {
  machine: 'the machine was started anew',
  host: 'the terminal host that held it died',
  orchestrator: 'the orchestrator that held it died',
  run: 'the process of its run died',
} as const
