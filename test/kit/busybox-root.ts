import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";

/** Makes a folder that can be the root of a container: busybox and its commands, /etc/passwd, mount points. */
export function makeBusyboxRoot(folder: string): void {
  for (const name of ["bin", "etc", "proc", "sys", "dev", "tmp", "root"])
    mkdirSync(`${folder}/${name}`, { recursive: true });
  copyFileSync("/bin/busybox", `${folder}/bin/busybox`);
  execFileSync("chroot", [folder, "/bin/busybox", "--install", "-s", "/bin"]);
  writeFileSync(`${folder}/etc/passwd`, "root:x:0:0:root:/root:/bin/sh\nweb:x:1000:1001:web:/home/web:/bin/sh\n");
  writeFileSync(`${folder}/etc/group`, "root:x:0:\nweb:x:1001:\nmedia:x:1002:web\n");
}
