import type { RootFs, RootFsMount } from "../image/images.js";
import { shellWord, shellWords } from "../launcher/shell-words.js";

/**
 * Mounts with their ids mapped, for which mount(8) has words only since 2.39; perl is on every Debian and calls the kernel by numbers. Overlayfs takes mapped layers but is not mapped itself, so the layers
 * are mapped one by one, in a mount namespace that ends with the program: whenever it dies, nothing is left mounted but the root, when that is whole. Files that are deleted in a container's folder
 * must never be those of a layer that is still mounted there.
 */
const PROGRAM = `use strict; use POSIX ();
my ($users, $home, $cwd, $target, $options, @from) = @ARGV;
my ($empty, $here) = ('', -100);
sub must { my ($what, $got) = @_; die "$what: $!\\n" if $got < 0; $got }
sub tree { my ($path) = @_; must("open $path", syscall 428, $here, $path, 0x80001) }
sub attach { my ($tree, $to) = @_; must("mount on $to", syscall 429, $tree, $empty, $here, $to, 4) }
open my $ids, '<', $users or die "$users: $!\\n";
open my $back, '<', $home or die "$home: $!\\n";
sub mapped {
  my $tree = tree($_[0]);
  my $change = pack 'Q4', 0x100000, 0, 0, fileno $ids;
  must("map the ids of $_[0]", syscall 442, $tree, $empty, 0x1000, $change, 32);
  $tree
}
chdir $cwd or die "$cwd: $!\\n";
my @trees = map { mapped($_) } @from;
my $made = $trees[0];
if ($options ne '') {
  system('mount', '-t', 'tmpfs', '-o', 'mode=711', 'tmpfs', $target) and exit 1;
  chdir $target or die "$target: $!\\n";
  for my $at (0 .. $#trees) { mkdir $at; attach($trees[$at], "$at") }
  $options =~ s/\\b((?:upper|work)dir)=(?!\\/)/$1=$cwd\\//g;
  system('mount', '-t', 'overlay', 'overlay', '-o', "$options,lowerdir=" . join(':', 0 .. $#trees), $target) and exit 1;
  $made = tree($target);
}
my $setns = { x86_64 => 308, aarch64 => 268, riscv64 => 268 }->{(POSIX::uname())[4]} or die "no number for setns\\n";
must('return', syscall $setns, fileno $back, 0x20000);
attach($made, $target);`.replaceAll("\n", " "); // Jobs are one line.

/** What is mounted mapped, and by which user namespace. */
interface MappedMount {
  /** Pin of the user namespace, or shell words between double quotes that come to one. */
  readonly users: string;
  readonly path: string;
  /** Folder that the other names are in. */
  readonly cwd: string;
  /** Of the overlay, but for its layers; empty: the first folder itself is mounted. */
  readonly options: string;
  readonly from: readonly string[];
}

function mappedMount({ users, path, cwd, options, from }: MappedMount): string {
  const program = ["unshare", "--mount", "--propagation", "private", "perl", "-e", PROGRAM];
  return `${shellWords(program)} "${users}" "/proc/$$/ns/mnt" ${shellWords([cwd, path, options, ...from])}`;
}

/** Shell words that mount an overlay so that ids 0 and on of its layers are the user namespace's. */
export function mappedOverlay(
  users: string,
  path: string,
  { options, cwd }: Pick<RootFsMount, "options" | "cwd">,
): string {
  const words = options.split(",");
  const lower =
    words
      .find((word) => word.startsWith(LOWER))
      ?.slice(LOWER.length)
      .split(":") ?? [];
  const others = words.filter((word) => !word.startsWith(LOWER)).join(",") || "ro";
  return mappedMount({ users, path, cwd, options: others, from: lower });
}

/** What is mounted where a run in a user namespace has its root: also what needs no mount otherwise, as a snapshot. */
export function mappableRoot({ path, mount }: RootFs): RootFsMount {
  return mount ?? { type: "bind", source: path, options: "", cwd: "/" };
}

/** Shell words that mount a root file system at a path for the root of a user namespace. */
export function mappedRoot(users: string, path: string, mount: RootFsMount): string {
  if (mount.type !== "bind") return mappedOverlay(users, path, mount);
  return mappedMount({ users, path, cwd: mount.cwd, options: "", from: [mount.source] });
}

/** Shell words that fail, and say why, where the kernel does not map the ids of what is in a folder. */
export function mappableScript(users: string, folder: string): string {
  const at = shellWord(folder);
  return `( mkdir -p ${at} && ${mappedMount({ users, path: folder, cwd: "/", options: "", from: [folder] })} && umount -l ${at} )`;
}

const LOWER = "lowerdir=";
