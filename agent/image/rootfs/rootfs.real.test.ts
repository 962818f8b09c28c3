import { rootFsConformance } from "../../../test/conformance/rootfs.js";
import { BtrfsRootFs } from "./btrfs-rootfs.js";
import { OverlayRootFs } from "./overlay-rootfs.js";

rootFsConformance("overlayfs", "host", ({ folder }) => new OverlayRootFs(folder));
rootFsConformance("btrfs", "btrfs", (harness) => new BtrfsRootFs(harness));
