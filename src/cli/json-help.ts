/** The stable shapes of `--json`: keys may be added, none is taken away. */
export const JSON_HELP = {
  run: `
Where an orchestrator runs (signalbox up), it runs the plan, with the environment and the settings that it was started
with; elsewhere, with --own and with --set, this process does.
With --json each line is one JSON document: recorded events
  { "type", "at", "sequence", "topicSequence", "workspaceId", "runId", "laneId", "terminalId", "ptyId", "correlationId",
    "causationId", "payload" }
and at last the summary
  { "type": "summary", "runId", "ok", "outcome", "durationMs", "lanes": [{ "name", "id", "outcome", "durationMs", "branch",
    "commits", "uncommitted": [], "worktree", "reason", "commands": [{ "name", "outcome", "exitCode", "signal",
    "attempts", "log", "reason" }] }] }
With --dry-run one document; exit code 4 when a check fails
  { "type": "dry-run", "ok", "keep", "parallel",
    "lanes": [{ "name", "base", "commit", "after": [], "worktree", "branch", "copy": [], "envNames": [],
      "commands": [{ "name", "argv": [], "graceMs", "envNames": [] }] }],
    "tree": { "name", "type", "restart", "shutdown", "significant", "supervises": { "strategy", "intensity": { "restarts",
      "withinMs" }, "backoff": { "minMs", "maxMs", "jitter", "resetAfterMs" }, "autoShutdown" }, "children": [] },
    "checks": [{ "name", "ok", "detail", "remedy" }] }
The first Ctrl-C stops everything gracefully, in reverse order; a second one kills.`,
  why: `
Where an orchestrator runs (signalbox up), it answers, and tells also what it is doing at the moment; elsewhere the answer
is made from what is recorded. An id may be given by its beginning.
With --json one document; times in ms since the epoch
  { "type": "why", "at", "subject": { "kind", "name", "runId", "laneId", "terminalId" }, "state", "since", "summary",
    "causes": [{ "at", "sequence", "what", "by" }], "next": { "what", "at" }, "remedies": [{ "what", "command" }],
    "outcome", "reason", "worktree",
    "attempts": [{ "command", "attempt", "pid", "startedAt", "endedAt", "durationMs", "exitCode", "signal", "stopped", "lost",
      "error", "errorCode", "finding": { "class", "evidence", "certain", "retryAfterMs" },
      "signals": [{ "at", "signal", "target": { "pid", "scope", "pids" }, "askedBy", "outcome" }],
      "survivors": [{ "pid", "command", "endedBy" }], "log", "logGap", "lastLines": [] }],
    "decisions": [{ "at", "command", "decision", "restarts", "allowed": { "restarts", "withinMs" }, "delayMs", "waits", "reason",
      "text" }],
    "transitions": [{ "at", "of", "from", "to", "event", "cause" }], "crashes": [{ "at", "name", "error" }],
    "dossier": { "id", "at", "runId", "lane", "command", "actor", "exit", "handling", "decision", "peakRssBytes", "file" } }
subject.kind: run, lane, command, terminal, actor. state: waiting, preparing, ready, running, backoff, restarting, stuck,
stopping, cleaning; and when it is over succeeded, failed, skipped, interrupted, stopped, lost, ended. sequence: of the
recorded event (signalbox events), null for what is seen now. by: whose command it was. next is null when it is over.`,
  runs: `
With --json one document:
  { "type": "runs", "runs": [{ "id", "plan", "startedAt", "endedAt", "outcome", "owner": { "pid", "startTime", "bootId" },
    "lanes": [{ "name", "id" }], "unstarted": [], "summary" }] }`,
  crashes: `
With --json one document:
  { "type": "crashes", "crashes": [{ "id", "at", "runId", "lane", "command", "actor", "exit", "handling", "decision",
    "peakRssBytes", "file" }] }
and of one ID the dossier:
  { "type": "crash", "id", "at", "runId", "laneId", "terminalId", "ptyId", "actor": { "name", "incarnation", "kind" }, "lane",
    "command", "exit": { "reason", "error", "cause" }, "handling": { "type", "from", "message" }, "state",
    "history": [{ "at", "type", "from", "lane", "message" }],
    "decision": { "supervisor", "decision", "reason", "restarts", "waits", "allowed": { "restarts", "withinMs" }, "delayMs",
      "group": [] },
    "process": { "attempt", "pid", "argv", "cwd", "exitCode", "signal", "error", "finding", "durationMs", "signals": [],
      "survivors": [], "outputBytes", "lastLines": [], "log",
      "usage": { "at", "rssBytes", "peakRssBytes", "cpuMs", "fds" } },
    "resources": { "orchestrator", "freeMemoryBytes", "load1" }, "lost", "file" }
Secrets are masked. The newest 200 are kept, up to 20 MB, for 14 days.`,
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
A terminal host of another version, whose terminals go on, cannot be used: --drain has it start nothing more, and waits until the
last of them has ended, which then count as lost, with their logs; \`signalbox down\` ends them.
With --json one document:
  { "type": "up", "isNew", "pid", "socket", "startedAt", "state", "log" }`,
  down: `
What waits is told on stderr, a line a phase. Exit code 0 when none runs any more, also when none did.
Ends also the terminals of an orchestrator that was killed, which the terminal host kept.
With --json one document; "ended" counts those:
  { "type": "down", "pid", "ended" }`,
  status: `
Exit code 3 when no orchestrator runs.
With --json one document; "state" is recovering, ready, stopping or down, "died" the pid of one that died without a word:
  { "type": "status", "pid", "socket", "startedAt", "state", "phase",
    "counts": { "lanes", "terminals", "runs", "clients" }, "log", "version",
    "recovered": { "interruptedRuns", "openLanes", "keptLanes",
      "adoptedTerminals", "adoptedRuns", "lostTerminals" }, "pending": [], "died" }`,
  laneAdd: `
Its branch begins at HEAD unless --base says otherwise. It stays, with what runs in it, until it is removed.
With --json one document:
  { "type": "lane", "lane": { "id", "name", "runId", "state", "worktree", "branch", "baseCommit", "createdAt", "endedAt",
    "summary" } }`,
  laneLs: `
With --json one document, of lanes as \`lane add\` shows them:
  { "type": "lanes", "lanes": [] }
With --removed:
  { "type": "removed-lanes", "lanes": [{ "id", "name", "savedAt", "expiresAt", "worktree", "branch", "baseCommit", "commits",
    "uncommitted": [] }] }`,
  laneShow: `
With --json one document, the lane as \`lane add\` and its terminals as \`term spawn\` show them:
  { "type": "lane", "lane", "terminals": [] }`,
  laneRm: `
Uncommitted work is not thrown away: then the lane stays as it is, and nothing in it is ended. Commits stay on its branch.
With --save all goes, and can be brought back for 30 days: files, index, an operation in progress, the branch with its
commits, submodules. It is kept in the repository, under refs/signalbox/recovery/, where git does not collect it.
With --json one document:
  { "type": "lane-removed", "summary": { "name", "id", "outcome", "durationMs", "branch", "commits", "uncommitted": [],
    "worktree", "saved", "reason", "commands": [] } }`,
  laneUndo: `
Its worktree and branch are as they were, in the same place; what ran in it does not run again. It is a new lane of that name.
\`lane ls --removed\` lists what can be brought back.
With --json one document, the lane as \`lane add\` shows it:
  { "type": "lane", "lane": {} }`,
  termSpawn: `
What follows \`--\` is a program and its arguments, as they are; for pipes and the like: -- sh -c 'a | b'.
With --json one document:
  { "type": "terminal", "terminal": { "id", "name", "laneId", "lane", "runId", "ptyId", "state", "attempts", "argv": [], "cwd",
    "envNames": [], "pid", "fds", "cols", "rows", "outputBytes", "startedAt", "endedAt", "exitCode", "signal", "error", "lost", "log" } }`,
  termLs: `
With --json one document, of terminals as \`term spawn\` shows them:
  { "type": "terminals", "terminals": [] }`,
  termHealth: `
Looked at as you ask. IDLE is how long there was no output, no input and no CPU; of all three when one terminal is named.
With --json one document, times in ms:
  { "type": "terminal-health", "terminals": [{ "id", "name", "laneId", "lane", "runId", "ptyId", "state", "attempts", "pid",
    "health": { "at", "alive", "responsive", "heartbeatAt", "condition", "since", "evidence", "processes", "memoryBytes",
      "cpuPercent", "quietMs": { "output", "input", "cpu" }, "idleMs" } }] }
"condition" is waiting-for-input, at-prompt, blocked-on-output, busy, idle, stopped, zombie, uninterruptible or unknown;
"health" is null where nothing runs.`,
  termSend: `
The words are typed with a space between them, and Enter after the last. Without words stdin is typed, as it is.
With --json one document; "receipt" says what became of it, where it was given a --key, and is null without one:
  { "type": "sent", "terminal", "bytes", "receipt" }`,
  termLogs: `
The bytes are those that the program put out. With --follow until its process ends.
With --json one document; "bytes" are base64, from "from" of "size":
  { "type": "terminal-logs", "path", "size", "from", "bytes" }`,
  termText: `
What is on the terminal, with the lines above its screen; with --since what was put out from an offset on, with --last-command
what the last command put out, where the shell marks its commands (OSC 133). Without escapes; progress bars as they are at the
end; lines that wrap are one. It is made from the output that is held, the last 4 MB.
With --json one document; ask --since "offset" for what comes after, "gap" is what was asked for and is held no longer:
  { "type": "terminal-text", "from", "offset", "gap", "lines", "isCut", "altScreen",
    "command": { "text", "isRunning", "exitCode" } }`,
  termSearch: `
Lines of the output that is held, the last 4 MB, each with the offset that it begins at. Exit code 1 when there is none.
With --json one document:
  { "type": "terminal-search", "from", "offset", "matches": [{ "offset", "line" }], "hasMore" }`,
  termRespawn: `
Its command, working directory, name and size are those that it had; its environment is made anew, as values are not kept. What it
put out before stays: \`term logs --attempt\`. Only in lanes of their own: a run is started again as a whole.
With --json one document, the terminal as \`term spawn\` shows it:
  { "type": "terminal", "terminal" }`,
  termKill: `
Its process is asked to end (SIGTERM) and killed after its grace, with all that it started. With --signal that one signal is
sent, and nothing else happens.
With --json one document, the terminal as \`term spawn\` shows it, or with --signal
  { "type": "signal", "terminal", "delivery": { "at", "signal", "target": { "pid", "scope", "pids" }, "askedBy", "outcome" } }`,
  termAttach: `
The terminal is yours until Ctrl-Q; Ctrl-Q twice types one. The program goes on. It begins with what is on its screen, and gets the
size of your terminal; of several who are attached, the one that --window-size says: that of the last who came or resized, the
smallest, or none (fixed). Exit code 0 when you left or the program ended well, 1 when it failed.`,
  events: `
Without --since the newest 50. Records are read also where no orchestrator runs; --follow needs one. Live topics, which are not
recorded, are shown by --follow to who names them: --topic pty.output tells how far the output of terminals is.
With --json each line is one JSON document; of what is not recorded "sequence" is null:
  { "type", "at", "sequence", "topicSequence", "workspaceId", "runId", "laneId", "terminalId", "ptyId", "correlationId",
    "causationId", "payload" }
and where some were left out, as they came faster than they were read:
  { "type": "gap", "topic", "from", "to" }`,
  tree: `
As many columns as there is place for. Of a supervisor, restarts are those of its children within its window, of those
allowed; of the others, how often it was started again. Rates are since the look before: --watch shows them.
With --json one document, with --watch one a line each second:
  { "type": "tree", "tree": { "name", "label", "incarnation", "kind", "state", "mailbox": { "now", "max", "oldestMs" },
    "perSecond", "busy", "restarts", "window": { "used", "allowed", "withinMs" }, "upMs",
    "lastExit": { "reason", "error", "cause" }, "below", "children": [] } }`,
  info: `
With --json one document:
  { "type": "info", "name", "label", "incarnation", "kind", "supervisor", "state", "upMs",
    "mailbox": { "now", "most", "limit", "dropped", "oldestMs" }, "handled", "handling": { "type", "from", "forMs" },
    "handlers": { "forMs", "count", "sumMs", "maxMs", "p50Ms", "p95Ms", "p99Ms", "histogram": [],
      "recent": { "forMs", "perSecond", "busy" } },
    "restarts", "window": { "used", "allowed", "withinMs" }, "childWindow": { "used", "allowed", "withinMs" },
    "lastExit": { "reason", "error", "cause" } }`,
  trace: `
With --json each line is one JSON document: events
  { "what", "at", "actor", "waiting", "type", "from", "message", "tookMs", "error", "reason", "exit" }
and at last
  { "type": "trace", "ended", "count", "missed" }
"what" is sent, handled, failed, dropped, started, restarted or exited. Secrets are masked.`,
  deadLetters: `
With --json one document:
  { "type": "dead-letters", "letters": [{ "number", "at", "to", "from", "type", "reason", "stack" }] }
and with --retry
  { "type": "retry", "letter", "name", "incarnation" }`,
  machine: `
With --json one document; "actor" and "state" are null for a machine by its own name:
  { "type": "machine", "machine", "actor", "state", "initial", "states": [],
    "moves": [{ "from", "event", "to": [], "actions": [] }] }`,
  intervention: `
With --json one document, "type" being the command:
  { "type", "name", "incarnation" }`,
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
