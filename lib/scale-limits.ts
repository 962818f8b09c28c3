/** Bounds of what many nodes may ask of one leader at the same time. */
export const SCALE_LIMITS = {
  heartbeatsPerSecond: {
    value: 2_000,
    why: "heartbeats of all nodes together; each costs the leader some 50 us of its thread. Of more than a thousand nodes each beats more rarely",
  },
  heartbeatStepMs: {
    value: 250,
    why: "a longer interval is a multiple of this: a node that comes or goes changes it for nobody",
  },
  heartbeatMaxMs: { value: 10_000, why: "20,000 nodes; a host without power is noticed within forty seconds" },
  hostUsageMs: {
    value: 2_000,
    why: "how often a heartbeat says what its host uses; reading that is more than half of what a heartbeat costs",
  },
  heartbeatSpreadMs: {
    value: 1_000,
    why: "of many nodes each tells a change within this, not all at once; half of what a pod waits for them",
  },
  cutOverGatherManyMs: {
    value: 250,
    why: "the same of nodes that do not tell at once; each new minimum is a message to every one of them",
  },
  reconnectsPerSecond: {
    value: 100,
    why: "nodes that a new leader counts on to come back in a second; one is judged only once all could have",
  },
  suspectPatienceMs: {
    value: 1_000,
    why: "a control plane that has failed has so long to say anything, twice as long the next time: half of the time that a new leader gives nodes",
  },
  handshakesPerTurn: {
    value: 8,
    why: "connections that a listener begins before all else has its turn: some twenty milliseconds of work",
  },
  acceptWaitMs: {
    value: 12_000,
    why: "a connection that could not be begun for so long is cut: no peer waits longer. Cut sooner, it would come again, and taking and cutting is dear too",
  },
  watchersPerTurn: {
    value: 100,
    why: "watches of a crowd that are sent a change before all else has its turn: some five milliseconds of work",
  },
  peerNewsPerSecond: {
    value: 5_000,
    why: "messages about nodes to all other nodes together; each costs the leader some 40 us of its thread",
  },
  peerGatherMinMs: { value: 20, why: "fewer than a hundred nodes are told of each other at once" },
  peerGatherMaxMs: {
    value: 2_000,
    why: "a node that has joined is known to all others within this, however many they are",
  },
  patienceMaxMs: {
    value: 12_000,
    why: "a peer that takes connections and comes to nothing is waited for so long at most; within it a process with a twentieth of a core gets through a handshake",
  },
  acceptQueue: { value: 8_192, why: "connections that wait to be begun, unread; each costs a few KiB" },
} as const satisfies Record<string, { value: number; why: string }>;
