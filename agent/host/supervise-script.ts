import { shellWord } from "../launcher/shell-words.js";

/** One daemon of a host, as it is started. */
export interface DaemonCommand {
  /** One word; names its log and pid file. */
  readonly name: string;
  /** Program and arguments. The program's path and the name stand in it one after the other. */
  readonly command: readonly string[];
}

/** What the supervisor tends, and where it keeps pid files and logs. */
export interface SuperviseTerms {
  readonly daemons: readonly DaemonCommand[];
  readonly runDir: string;
  readonly logDir: string;
  /** A log that has grown beyond this is moved aside, and the one moved before is dropped. */
  readonly logBytes: number;
}

/**
 * The supervisor, in shell: where no systemd runs it starts each daemon in a session of its own, starts it again with growing waits when it ends, and adopts
 * daemons that run already. A megabyte where a Node process would take thirty, and nothing in it that could leak. Daemons survive its death; the lock
 * makes a second one end at once. Any POSIX shell will do; one whose read can wait (bash, busybox) starts no process per turn.
 */
export function superviseScript({ daemons, runDir, logDir, logBytes }: SuperviseTerms): string {
  const names = daemons.map(({ name }) => name).join(" ");
  const cases = daemons.map(({ name, command }) => `    ${name}) set -- ${command.map(shellWord).join(" ")} ;;`);
  return `
run=${shellWord(runDir)}
log=${shellWord(logDir)}
umask 022
mkdir -p "$run" "$log"
exec 9> "$run/supervise.lock"
flock -n 9 || exit 0
echo $$ > "$run/supervise.pid"
unset NODE_EXTRA_CA_CERTS
trap 'rm -f "$run/supervise.pid"; exit 0' TERM INT

# Nobody writes to this pipe: reading from it is a sleep that takes no process, where the shell knows how.
rm -f "$run/supervise.pipe"
mkfifo -m 600 "$run/supervise.pipe"
exec 8<> "$run/supervise.pipe"
(read -r -t 0.01 words <&8) 2> /dev/null
if [ $? -eq 2 ]; then
  pause() { sleep 0.5 8>&- 9>&-; }
else
  pause() { read -r -t 0.5 words <&8 || :; }
fi

# True when the process with the pid in $1 is the daemon $2: a pid may have been given to another program since.
is_daemon() {
  [ -n "$1" ] && [ -r "/proc/$1/cmdline" ] || return 1
  words=
  read -r words < "/proc/$1/cmdline" 2> /dev/null
  case "$words" in *tallshipd*"$2"*) return 0 ;; esac
  return 1
}

# True while the process of the pid in $1 has a program: one that has ended, and that nobody has asked for yet, has none.
is_alive() { [ -n "$1" ] && [ -e "/proc/$1/exe" ]; }

start() {
  name=$1
  case "$name" in
${cases.join("\n")}
  esac
  setsid "$@" >> "$log/$name.log" 2>&1 8>&- 9>&- < /dev/null &
  echo $! > "$run/$name.pid"
}

# Moves a log aside that has grown too large; the daemon writes on into the emptied file.
rotate() {
  [ "$(stat -c %s "$log/$1.log" 2> /dev/null || echo 0)" -gt ${logBytes} ] || return 0
  cp "$log/$1.log" "$log/$1.log.1" && : > "$log/$1.log"
}

${supervisorLoop(names)}`;
}

/** What the supervisor does once its functions are defined: it never ends by itself. */
function supervisorLoop(names: string): string {
  return `# Half-second turns. A daemon that ended is started at once; one that ends again within ten seconds waits 1, 2, 4 … 16 turns.
# What was seen to be the daemon is only asked whether it lives, but for every twentieth turn: its pid may be another's by now.
turn=0
while :; do
  for daemon in ${names}; do
    eval "pid=\\\${seen_$daemon:-}"
    if [ $((turn % 20)) -ne 0 ] && is_alive "$pid"; then continue; fi
    pid=
    [ -r "$run/$daemon.pid" ] && read -r pid < "$run/$daemon.pid"
    if is_daemon "$pid" "$daemon"; then
      eval "seen_$daemon=$pid"
      continue
    fi
    eval "seen_$daemon="
    eval "wait=\\\${wait_$daemon:-0} next=\\\${next_$daemon:-0} begun=\\\${begun_$daemon:--100}"
    [ $turn -ge $next ] || continue
    if [ $((turn - begun)) -gt 20 ]; then wait=0; fi
    start "$daemon"
    wait=$((wait == 0 ? 1 : wait * 2))
    [ $wait -le 16 ] || wait=16
    eval "wait_$daemon=$wait next_$daemon=$((turn + wait)) begun_$daemon=$turn"
  done
  if [ $((turn % 120)) -eq 119 ]; then for daemon in ${names}; do rotate "$daemon"; done; fi
  pause
  turn=$((turn + 1))
done
`;
}
