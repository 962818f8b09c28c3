/** Bounds of devices that nodes offer, and of resizing. Part of LIMITS, which has the whole table. */
export const DEVICE_LIMITS = {
  deviceLookMs: {
    value: 2_000,
    why: "the folders of device files are looked at this often; two calls of stat and one per file",
  },
  deviceFiles: { value: 256, why: "CDI files that a node reads; vendors write one each" },
  deviceFileBytes: { value: 1_048_576, why: "largest CDI file read; eight GPUs of NVIDIA's take 50 KiB" },
  devicesPerNode: { value: 4_096, why: "devices that a node knows at most, aliases included" },
  resizeRetryMs: { value: 10_000, why: "a resize that did not fit, or failed, is tried again this often" },
} as const;
