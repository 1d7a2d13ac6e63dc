# `truce run`, sourced by ./truce, which has set java and jvm. Never comes back.
#
# This shell is the one that was called: it stays, with its pid, and starts the command as its own
# child, because nobody else can give the command the very descriptors, terminal and dispositions of
# signals that were given here. Beside it the keeper, a JVM, holds the locks; class Keeper says how
# the two talk. Between them a small shell, the nurse, waits for the JVM: when that is killed, the
# nurse ends the command, even if this shell was killed in the same moment.
#
# The life pipe has no name and no file. The command and all that it starts inherit its writing end;
# at its end of file all of them are gone. The keeper and the nurse have the reading end.
#
# This shell never waits for a process: bash 5.2 can lose the end of a child that comes together with
# a trapped signal, as after ^C. It reads what the others write, which a signal interrupts safely. So
# the command is waited for by a shell of its own, the porter, which is deaf to signals.
#
# Nothing else is started but `env`, which sets the command's environment to the byte: a shell
# rewrites some variables (PWD, SHLVL, _, IFS, ...) and loses others.

set +o posix

# What this shell itself would say of its children is nobody's business; what it says is on $err.
[[ -e /proc/$$/fd/2 ]] || exec 2>/dev/null
exec {err}>&2 2>/dev/null

say() { printf 'truce: %s\n' "$*" >&"$err"; }

# Everything before the first `--` is for truce, whatever it is.
own=()
asked=line
while shift && (($#)); do
  if [[ $1 == -- ]]; then
    shift
    (($# == 0)) || asked=command
    break
  fi
  [[ $1 != --help && $1 != -h ]] || exec "$java" "${jvm[@]}" dev.truce.cli.Main help run 2>&"$err"
  own+=("$1")
done

json=
for word in "${own[@]}"; do
  [[ $word != --json ]] || json=yes
done

# Says to $4 why there is no command: status $1, kind $2, words $3. Of an interrupt only as JSON.
explain() {
  local text=$3
  if [[ -n $json ]]; then
    text=${text//\\/\\\\} text=${text//\"/\\\"}
    printf '{"schema":"truce.error/1","kind":"%s","status":%d,"message":"%s","usage":null}\n' \
      "$2" "$1" "$text" >&"$4"
  elif [[ $2 != interrupted ]]; then
    printf 'truce: %s\n' "$text" >&"$4"
  fi
}

# ---- signals -----------------------------------------------------------------------------------

life=       # the life pipe, until it is the command's alone
to=         # the pipe to the keeper, once it is there
self=       # the other end of the pipe that we read, from when the command is started
child=      # the command, once its pid is known
stopped=    # the signal that ended the wait for the locks
signals=()  # what came since then and is not passed on yet
terminal=   # the last one of those that a terminal sends

# Comes in the middle of a `read`, which another one would spoil: only notes what has come.
on_signal() {
  if [[ -n $self ]]; then
    signals+=("$1")
    printf 'signal\0' >&"$self"
  else
    stopped=${stopped:-$1}
    hang_up
  fi
}

# The keeper takes the end of this pipe for our end: it gives back what it has or wants.
hang_up() {
  [[ -z $life ]] || exec {life}>&-
  [[ -z $to ]] || exec {to}>&-
  life= to=
}

note() { [[ $1 != INT && $1 != QUIT ]] || terminal=$1; }

# Gives the command the signals that were given to this shell.
pass_on() {
  local signal
  while ((${#signals[@]})); do
    signal=${signals[0]}
    signals=("${signals[@]:1}")
    if unborn "$child"; then
      # It has not become the command yet, and may still ignore what that will not.
      while unborn "$child"; do kill -s "$signal" "$child"; done
      kill -s "$signal" "$child"
    elif [[ $signal != INT && $signal != QUIT ]] || ! foreground; then
      kill -s "$signal" "$child"
    fi
    note "$signal"
  done
}

# Is this process still the copy of this shell that it began as? Then it has our command line.
unborn() {
  local theirs=() ours=()
  mapfile -d '' -t theirs <"/proc/$1/cmdline" && mapfile -d '' -t ours <"/proc/$$/cmdline" &&
    ((${#theirs[@]} == ${#ours[@]})) && [[ ${theirs[*]} == "${ours[*]}" ]]
}

# Are we in the foreground of a terminal, so that its ^C and ^\ reach the command by themselves?
foreground() {
  local stat
  read -r stat <"/proc/$$/stat" && stat=(${stat##*) }) && ((stat[2] == stat[5]))
}

# Ends with this status; after ^C at the terminal by the signal itself, as the command did, so that
# a script that called us stops.
end() {
  local signal
  for signal in "${signals[@]}"; do note "$signal"; done # too late for the command
  if [[ -n $terminal ]] && (($1 == 128 + $(kill -l "$terminal"))) && foreground; then
    trap - "$terminal"
    kill -s "$terminal" $$
  fi
  exit "$1"
}

# Is the life pipe, of which $1 is a reading end, at its end of file? What anybody writes there does
# not count.
all_gone() {
  local status
  until
    read -r -t 0.02 -u "$1" ignored
    status=$?
    ((status))
  do :; done
  ((status == 1))
}

# Kills a process and all that descends from it, each stopped first, so that nothing forks away.
fell() {
  local family=() pid
  gather "$1"
  for pid in "${family[@]}"; do kill -s KILL "$pid"; done
}

gather() {
  local task kid kids=()
  kill -s STOP "$1"
  family+=("$1")
  for task in /proc/"$1"/task/*/children; do
    read -ra kids <"$task"
    for kid in "${kids[@]}"; do gather "$kid"; done
  done
}

# Kills whoever else has the life pipe open for writing, and what descends from them, until all are
# gone. $1 is a reading end.
slay() {
  local fd key flags pid
  until all_gone "$1"; do
    for fd in /proc/[0-9]*/fd/*; do
      [[ $fd -ef /proc/self/fd/$1 ]] || continue
      while read -r key flags; do
        if [[ $key == flags: && $flags == *[!04] ]]; then # not for reading alone
          pid=${fd#/proc/}
          pid=${pid%%/*}
          ((pid == $$)) || fell "$pid"
        fi
      done <"${fd/\/fd\//\/fdinfo\/}"
    done
  done
}

# Kills the other children of this shell, which has to be called by one of them, and answers whether
# there were any. Faster than looking through all processes, for the lock is free already, and it
# finds those who closed their descriptors.
fell_siblings() {
  local kid kids=() found=1
  read -ra kids <"/proc/$$/task/$$/children"
  for kid in "${kids[@]}"; do
    ((kid == BASHPID)) || {
      fell "$kid"
      found=0
    }
  done
  return "$found"
}

# ---- the keeper --------------------------------------------------------------------------------

# The nurse. Nothing but the pipes may stay open here: whoever waits for the end of one of the
# caller's descriptors must not wait for us.
keep() {
  local fd
  trap '' HUP INT QUIT TERM USR1 USR2 ALRM TSTP TTIN TTOU
  exec 3<"/proc/self/fd/$life" 2>&"$err" || return
  for fd in /proc/self/fd/*; do
    fd=${fd##*/}
    ((fd <= 3)) || eval "exec $fd>&-"
  done
  unset JAVA_TOOL_OPTIONS JDK_JAVA_OPTIONS _JAVA_OPTIONS CLASSPATH
  LC_ALL=C.UTF-8 "$java" -Xrs "${jvm[@]}" dev.truce.cli.Keeper $$ "$asked" "${own[@]}" <&0 &
  exec 0<&- 2>/dev/null
  wait $! || {
    if fell_siblings || ! all_gone 3; then
      printf 'lost\0'
    else
      printf 'failed\0'
    fi
    slay 3
  }
}

for signal in HUP INT QUIT TERM USR1 USR2 ALRM; do
  trap "on_signal $signal" "$signal"
done
trap '' PIPE # a dead keeper shows by its silence

exec {life}<> <(:)
coproc KEEPER { keep; }
nurse=$KEEPER_PID
exec {to}>&"${KEEPER[1]}" {from}<&"${KEEPER[0]}" || {
  say 'cannot start the JVM'
  exit 70
}
eval "exec ${KEEPER[1]}>&- ${KEEPER[0]}<&-"
[[ -z $stopped ]] || hang_up

# Meanwhile: the environment that we were called with, less what the keeper will say.
if [[ -r /proc/$$/environ ]]; then
  mapfile -d '' -t variables <"/proc/$$/environ"
else
  mapfile -d '' -t variables < <(exec /usr/bin/env -0)
fi
environment=()
for variable in "${variables[@]}"; do
  case $variable in
    TRUCE_LOCK=* | TRUCE_TOKEN=* | TRUCE_GRANTS=* | TRUCE_LEASE_ID=* | TRUCE_OWNER=*) ;;
    TRUCE_DIR=* | TRUCE_ENGINE=* | TRUCE_BUILD=*) ;;
    *=*) environment+=("$variable") ;;
  esac
done

read -r -d '' -u "$from" word
case $word in
  go)
    read -r -d '' -u "$from" line
    while read -r -d '' -u "$from" variable && [[ -n $variable ]]; do
      environment+=("$variable")
    done
    ((line < 0)) || set -- /bin/sh -c "${own[line]}"
    ;;
  refuse) read -r -d '' -u "$from" status && [[ -z $stopped ]] && exit "$status" ;;
  *) [[ -n $stopped ]] || { # killed, or the JVM could not even begin
    say "the keeper of the locks has ended before the command began${word:+: $word}"
    exit 70
  } ;;
esac

exec {self}>"/proc/self/fd/$from" # from here on signals are for the command
if [[ -n $stopped ]]; then
  exec {self}>&-
  # What it had or wanted is given back when the keeper is gone.
  while read -r -d '' -u "$from" word; do :; done
  note "$stopped"
  status=$((128 + $(kill -l "$stopped")))
  explain "$status" interrupted "SIG$stopped came while waiting; the claim was given back" "$err"
  end "$status"
fi

# ---- the command -------------------------------------------------------------------------------

# Becomes the command, or says why not, as shells do.
become() {
  if [[ $1 != */* ]]; then
    type -P -- "$1" >/dev/null || cannot 127 not_found "$1" 'command not found'
  elif [[ ! -e $1 ]]; then
    cannot 127 not_found "$1" 'no such file'
  elif [[ -d $1 || ! -x $1 ]]; then
    cannot 126 not_executable "$1" 'cannot be executed'
  fi
  # What env would take for a variable or a flag; nice changes nothing.
  [[ $1 != *=* && $1 != -* ]] || set -- /usr/bin/nice -n 0 -- "$@"
  exec -c /usr/bin/env "${environment[@]}" "$@"
}

cannot() {
  local name
  printf -v name %q "$3"
  explain "$1" "$2" "$name: $4" 2
  exit "$1"
}

start() {
  exec {self}>&- {err}>&- {to}>&-
  trap - HUP INT QUIT TERM USR1 USR2 ALRM PIPE
  become "$@"
}

# The porter: sees the command in and out. It tells the keeper of the command itself, so that the
# keeper knows what to end should this shell be killed before it heard of it.
attend() {
  trap '' HUP INT QUIT TERM USR1 USR2 ALRM
  exec {from}<&-
  if [[ -e /proc/self/fd/0 ]]; then
    (start "$@") <&0 2>&"$err" &
  else
    (start "$@") <&- 2>&"$err" &
  fi
  exec {life}>&- {err}>&-
  printf 'command %d\n' $! >&"$to"
  exec {to}>&-
  printf 'child\0%d\0' $! >&"$self"
  wait $!
  printf 'ended\0%d\0' $? >&"$self"
}

if [[ -e /proc/$$/fd/0 ]]; then attend "$@" <&0 & else attend "$@" <&- & fi
porter=$!
exec {alive}<"/proc/self/fd/$life" {life}>&-
life=

# The next word of the others, or nothing after $1 seconds.
hear() {
  local part
  word=
  while
    part=
    read -r -t "$1" -d '' -u "$from" part
    (($? > 128))
  do
    word+=$part
    [[ -n $word ]] || return
  done
  word+=$part
}

over=   # the command has ended
status= # with this one
while [[ $over != lost && $over != failed ]]; do
  hear 0.25 # so often it looks whether the others live
  if [[ -z $word ]] && ! { kill -s 0 "$nurse" && { [[ -n $over ]] || kill -s 0 "$porter"; }; }; then
    hear 0.01 # its last word
    if [[ -z $word ]]; then
      if kill -s 0 "$nurse"; then word=failed; else word=lost; fi
    fi
  fi
  case $word in
    child) read -r -d '' -u "$from" child ;;
    ended)
      read -r -d '' -u "$from" status
      over=ended left=left
      ! all_gone "$alive" || left=gone
      printf 'ended %d %s\n' "$status" "$left" >&"$to"
      ;;
    released | left)
      read -r -d '' -u "$from" status
      end "$status"
      ;;
    lost | failed) over=$word ;;
  esac
  [[ -z $child || -n $over ]] || pass_on
done

if [[ -z $status ]]; then
  fell "$porter"
  [[ -z $child ]] || fell "$child"
fi
hang_up
slay "$alive"
if [[ $over == lost ]]; then
  say 'the keeper of the locks was killed, and the command with it'
  exit 123
fi
say 'a part of truce was killed, and the command has ended'
exit 125
