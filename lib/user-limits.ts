/** Bounds of pods' own user ids; part of LIMITS. */
export const USER_LIMITS = {
  podUserIds: {
    value: 65_536,
    why: "what images use, nobody (65534) included; as many as Kubernetes and Docker give",
  },
  nodeUserIdFirst: {
    value: 1_879_048_192,
    why: "0x70000000, above people, services, /etc/subuid's own ranges and systemd-nspawn's, below what systemd keeps for itself; /etc/subuid and /etc/subgid may say another for tallship",
  },
  nodeUserIds: {
    value: 262_144_000,
    why: "4,000 pods with ids of their own on one node; ends below 2^31, beyond which programs take ids for negative",
  },
} as const;
