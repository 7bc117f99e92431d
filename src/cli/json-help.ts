/** The stable shapes of `--json`: keys may be added, none is taken away. */
export const JSON_HELP = {
  run: `
Where an orchestrator runs (signalbox up), it runs the plan, with the environment and the settings that it was started
with; elsewhere, with --own and with --set, this process does.
With --json each line is one JSON document: recorded events
  { "type", "at", "sequence", "topicSequence", "workspaceId", "runId", "laneId", "terminalId", "ptyId", "payload" }
and at last the summary
  { "type": "summary", "runId", "ok", "outcome", "durationMs", "lanes": [{ "name", "id", "outcome", "durationMs", "branch",
    "commits", "uncommitted": [], "worktree", "reason", "commands": [{ "name", "outcome", "exitCode", "signal",
    "attempts", "log", "reason" }] }] }
The first Ctrl-C stops everything gracefully, in reverse order; a second one kills.`,
  why: `
With --json one document:
  { "type": "why", "runId", "lane", "command", "outcome", "reason", "now", "worktree", "next": [],
    "transitions": [{ "at", "of", "from", "to", "event", "cause" }],
    "attempts": [{ "command", "attempt", "pid", "startedAt", "endedAt", "durationMs", "exitCode", "signal", "stopped", "error",
      "survivors": [{ "pid", "command", "endedBy" }], "log", "logGap", "lastLines": [] }],
    "decisions": [{ "at", "command", "decision", "restarts", "allowed": { "restarts", "withinMs" }, "delayMs", "text" }],
    "crashes": [{ "at", "name", "error" }] }`,
  runs: `
With --json one document:
  { "type": "runs", "runs": [{ "id", "plan", "startedAt", "endedAt", "outcome", "owner": { "pid", "startTime", "bootId" },
    "lanes": [{ "name", "id" }], "summary" }] }`,
  doctor: `
With --json one document:
  { "type": "doctor", "ok", "checks": [{ "name", "ok", "detail", "remedy" }], "found": [{ "kind", "what", "why", "action" }] }
Exit code 1 when something is left to remove, 4 when a check fails.`,
  fuzz: `
With --json one document:
  { "type": "fuzz", "ok", "seed", "minutes", "properties": [{ "title", "module", "ok", "runs", "seed", "file", "error" }] }
Exit code 1 when a property fails, or a file cannot be loaded.`,
  up: `
At most one runs for a repository and all of its worktrees. Exit code 0 when one is ready, whoever started it.
With --json one document:
  { "type": "up", "isNew", "pid", "socket", "startedAt", "state", "log" }`,
  down: `
What waits is told on stderr, a line a phase. Exit code 0 when none runs any more, also when none did.
With --json one document:
  { "type": "down", "pid" }`,
  status: `
Exit code 3 when no orchestrator runs.
With --json one document; "state" is recovering, ready, stopping or down, "died" the pid of one that died without a word:
  { "type": "status", "pid", "socket", "startedAt", "state", "phase",
    "counts": { "lanes", "terminals", "runs", "clients" }, "log", "version",
    "recovered": { "interruptedRuns", "openLanes", "keptLanes", "lostTerminals" }, "pending": [], "died" }`,
  service: `
With --json one document:
  { "type": "service", "done", "path", "text", "commands": [[]] }`,
  configExplain: `
Of a setting that is given more than once the last wins: default, user file, repository file, environment, flag.
With --json one document:
  { "type": "config", "files": [{ "scope", "path", "found" }],
    "settings": [{ "key", "value", "origin": { "kind", "file", "line", "column", "name" }, "default", "env", "about", "reloads" }] }`,
  configPath: `
With --json one document:
  { "type": "config-path", "files": [{ "scope", "path", "found" }] }`,
  replay: `
With --json one document:
  { "type": "replay", "property", "ok", "error", "trace": [] }
Exit code 1 when it still fails.`,
} as const
