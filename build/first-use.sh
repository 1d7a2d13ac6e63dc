# The slow path of ./truce, which sources it: builds what is missing or out of date and publishes it.
# Leaves dist, class_path and java set, or exits. Uses root, target, current and read_current.

. "$root/build/find-jdk.sh"

say() { printf 'truce: %s\n' "$*" >&2; }

# Is any source newer than the build? A folder is newer when something in it came or went.
sources_changed() {
  [[ -n $(find "$root"/pom.xml "$root"/{core,file,testkit,integrations/jackson,apps/cli,apps/index,benchmarks}/{pom.xml,src/main} \
    -newer "$current" -print -quit 2>/dev/null) ]]
}

# Builds into folders of its own and publishes the result by one rename. The lock is held.
build() {
  local out=$target/launcher new=$target/dist-new java=$TRUCE_JDK/bin/java jars jar name
  mkdir -p "$target" && rm -rf "$new" "$out/lib" "$root"/{apps/index/target/launcher/lib,benchmarks/target/launcher/peers} && mkdir "$new" || return
  : >"$target/began" # older than whatever is edited from now on
  "$root/mvnw" -f "$root/pom.xml" -B -ntp -q -Plauncher -pl apps/cli,apps/index,benchmarks -am package \
    </dev/null || return
  cp "$out"/truce-cli-*.jar "$new/truce-cli.jar" && cp "$out"/lib/*.jar "$new/" &&
    cp "$root"/benchmarks/target/launcher/truce-benchmarks-*.jar "$new/truce-benchmarks.jar" &&
    mkdir "$new/peers" && cp "$root"/benchmarks/target/launcher/peers/*.jar "$new/peers/" &&
    mkdir "$new/index" && cp "$root"/apps/index/target/launcher/truce-index-*.jar "$new/index/" &&
    cp "$root"/apps/index/target/launcher/lib/*.jar "$new/index/" || return
  jars=truce-cli.jar
  for jar in "$out"/lib/*.jar; do
    jars+=:${jar##*/}
  done
  "$java" -cp "$new/${jars//:/:$new/}" dev.truce.cli.Main help --man >"$new/truce.1" || return
  # The JVM is part of the name, because the AOT cache is only good for the one that made it.
  name=$(cd "$new" && sha256sum ./*.jar {peers,index}/*.jar "$TRUCE_JDK/release" | sha256sum) || return
  name=dist-${name%% *}
  [[ -d $target/$name ]] || mv -T "$new" "$target/$name" || return
  [[ -f $target/$name/truce.aot ]] || train "$target/$name" "$jars" "$java"
  printf '%s\n' "$name" "$jars" "$java" >"$target/dist.tmp" &&
    touch -r "$target/began" "$target/dist.tmp" &&
    mv -T "$target/dist.tmp" "$current" || return
  # Running JVMs still read older ones; those of yesterday are let go.
  find "$target" -maxdepth 1 -name 'dist-*' ! -name "$name" -mmin +1440 -exec rm -rf {} +
}

# Lets the JVM remember the classes of everyday commands. A start without that is only slower.
train() {
  "$3" -XX:AOTCacheOutput="$1/truce.aot.tmp" -XX:+UseSerialGC -XX:TieredStopAtLevel=1 \
    -XX:-UsePerfData -Djdk.reflect.useNativeAccessorOnly=true -Xlog:disable \
    --enable-native-access=ALL-UNNAMED \
    -cp "$1/${2//:/:$1/}" dev.truce.cli.Training </dev/null >/dev/null 2>&1 &&
    mv "$1/truce.aot.tmp" "$1/truce.aot"
  rm -f "$1/truce.aot.tmp"* # and what a failed one left
}

forced=${TRUCE_BUILD-}
[[ ${1-} != --build ]] || forced=1
unset TRUCE_BUILD # a command that truce runs may call truce

if [[ -w $root/apps/cli && (! -e $target || -w $target) ]]; then
  # The folder itself is the lock: `clean` does not remove it, and a killed builder lets go of it.
  # Maven inherits the lock, so one that outlives its launcher keeps others out of its folders.
  exec {lock}<"$root/apps/cli"
  flock --nonblock "$lock" || {
    say 'waiting for a build that is under way...'
    flock "$lock"
  }
  [[ ! -d $target ]] || : >"$target/looked"
  if [[ -z $forced ]] && read_current && ! sources_changed; then
    # Somebody else has built it, or git's HEAD moved and no source did: good as of that look.
    touch -c -r "$target/looked" "$current"
  else
    truce_find_jdk || {
      truce_no_jdk
      exit 78
    }
    if [[ -e $current ]]; then say 'building...'; else say 'building (first use)...'; fi
    build >&2 || {
      say 'the build failed; see above'
      exit 78
    }
    read_current || {
      say 'the build left nothing to run'
      exit 78
    }
  fi
  exec {lock}<&-
elif read_current; then
  ! sources_changed || say "older than its sources, and $target cannot be written"
elif [[ -n $class_path && -f $dist/truce-cli.jar ]] && truce_find_jdk; then
  java=$TRUCE_JDK/bin/java
else
  truce_find_jdk || truce_no_jdk
  say "not built yet, and $root/apps/cli cannot be written"
  exit 78
fi
