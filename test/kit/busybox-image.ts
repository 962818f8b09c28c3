// Edge: reads the machine's static busybox.
import { readFileSync } from "node:fs";
import { NO_XATTRS, type TarEntry, tarEntry } from "../../lib/tar/entry.js";
import { tarArchive } from "../../lib/tar/tar-writer.js";
import type { BuiltConfig, BuiltImage } from "./built-image.js";
import { buildImage, builtLayer } from "./image-builder.js";

/** Programs of busybox that the image has by name. */
const APPLETS = (
  "[ ash awk base64 basename cat chmod chown cp cut date dd df dirname dmesg du echo env expr false find free fuser grep " +
  "head hostname httpd id ifconfig ip kill killall less ln logger ls md5sum mkdir mkfifo mknod mount mv nc netstat nproc " +
  "nslookup od ping printenv printf ps pwd readlink realpath rm rmdir route sed seq sh sha256sum sleep sort stat stty sync tail tar " +
  "tee telnet test time timeout top touch tr traceroute true tty udhcpc umount uname uniq uptime usleep vi watch wc " +
  "which who whoami xargs yes zcat"
).split(" ");

/**
 * A server that answers every request with the container's host name, greeting (GREETING) and node (NODE) around it. One static page: busybox serves it without starting
 * a process. The shell is process 1, to which the kernel delivers SIGTERM only when it is trapped: then it exits at once.
 * PORT is where it listens (80), LISTEN_AFTER the seconds before it does (0).
 */
const SERVE = `#!/bin/sh
trap 'exit 0' TERM INT
home=\${WWW:-/www}
mkdir -p "$home" && echo "\${GREETING:+$GREETING from }$(hostname)\${NODE:+ on $NODE}" > "$home/index.html" || exit 1
[ -z "$LISTEN_AFTER" ] || { sleep "$LISTEN_AFTER" & wait; }
httpd -f -p "\${PORT:-80}" -h "$home" &
echo "listening on port \${PORT:-80} as $(hostname)"
wait
`;

/** Prints what a server answers: fetch HOST [PORT]. busybox's own wget, linked statically, crashes on every name and address. */
const FETCH = `#!/bin/sh
printf 'GET / HTTP/1.0\\r\\nHost: %s\\r\\n\\r\\n' "$1" | nc -w 3 "$1" "\${2:-80}" | sed '1,/^\\r*$/d'
`;

const folder = (path: string, mode = 0o755): [TarEntry, Uint8Array] => [tarEntry(path, "directory", { mode }), NOTHING];
const NOTHING = new Uint8Array();
const file = (path: string, text: string | Uint8Array, mode = 0o644): [TarEntry, Uint8Array] => [
  tarEntry(path, "file", { mode, xattrs: NO_XATTRS }),
  typeof text === "string" ? Buffer.from(text) : text,
];

/** Tar of a root file system: busybox with its programs, users root, nobody and app (1000), /bin/serve and /bin/fetch. */
export function busyboxTar(): Uint8Array {
  return tarArchive([
    ...["bin", "dev", "etc", "home", "proc", "root", "run", "sys", "usr", "var", "var/log", "www"].map((path) =>
      folder(path),
    ),
    folder("tmp", 0o1777),
    file("bin/busybox", readFileSync("/bin/busybox"), 0o755),
    ...APPLETS.map((name): [TarEntry, Uint8Array] => [
      tarEntry(`bin/${name}`, "symlink", { linkPath: "busybox", mode: 0o777 }),
      NOTHING,
    ]),
    file("bin/serve", SERVE, 0o755),
    file("bin/fetch", FETCH, 0o755),
    file(
      "etc/passwd",
      "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000:app:/home:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n",
    ),
    file("etc/group", "root:x:0:\napp:x:1000:\nnogroup:x:65534:\n"),
    file("etc/nsswitch.conf", "hosts: files dns\n"),
  ]);
}

/** The image that tests and the demo run: busybox; by default it serves its host name on port 80. */
export function busyboxImage(config: BuiltConfig = {}): BuiltImage {
  return buildImage({
    layers: [builtLayer(busyboxTar())],
    config: { Cmd: ["/bin/serve"], Env: ["PATH=/bin:/usr/bin"], WorkingDir: "/", ...config },
  });
}
