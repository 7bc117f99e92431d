/**
 * A plan with one lane of each kind that a crash can hurt: one commits, one leaves work, one has a command that ignores
 * SIGTERM and SIGHUP and a grandchild in a session of its own, one is being restarted.
 */
export const CRASH_PLAN = {
  keep: 'never',
  parallel: 2,
  lanes: {
    commits: {
      commands: [
        'echo "made in $SIGNALBOX_TERMINAL" > made.txt; git add made.txt; git -c user.name=Tess -c user.email=tess@example.org commit -q -m made',
      ],
    },
    leaves: {
      commands: [
        "echo changed >> file-1.txt; mkdir -p 'süb'; echo new > 'süb/untracked file.txt'; echo staged > staged.txt; git add staged.txt",
        'echo more > more.txt',
      ],
    },
    stubborn: {
      commands: [
        {
          name: 'daemon',
          restart: 'permanent',
          graceMs: 50,
          run: "trap '' TERM HUP; setsid sh -c 'trap \"\" TERM HUP; while :; do sleep 0.2; done' & while :; do sleep 0.2; done",
        },
        'sleep 0.05',
      ],
    },
    restarts: {
      commands: [
        {
          name: 'flaky',
          restart: 'transient',
          intensity: { restarts: 3, withinMs: 60_000 },
          backoff: { minMs: 20, maxMs: 40 },
          run: 'c=$(git rev-parse --git-dir)/attempts; n=$(( $(cat "$c" 2>/dev/null || echo 0) + 1 )); echo $n > "$c"; [ $n -ge 3 ]',
        },
      ],
    },
  },
} as const
