/** The hooks of a pod's life, in the order in which they come up; they go down in the reverse order. A new hook is a name here and a row in hooks/. */
export const HOOKS = ["image", "users", "sandbox", "config", "volumes", "devices", "policy"] as const;

/** Name of a hook. */
export type HookName = (typeof HOOKS)[number];

/** Every thing the agent can do for a pod. A new action is a new row; the compiler names the executor's gap. */
export interface Actions {
  /** Brings up what the pod needs before its containers. */
  prepare: { readonly hook: HookName };
  /** Brings the files of mounted ConfigMaps and Secrets, and what the next runs take from them, up to date. */
  refresh: Readonly<Record<never, never>>;
  /** Makes a run of a container; none of its code runs yet. */
  create: { readonly container: string; readonly attempt: number };
  /** Lets a created run begin. */
  start: { readonly container: string; readonly attempt: number };
  /** Asks, or with SIGKILL forces, a run to end. An empty signal stands for the image's stop signal. */
  signal: { readonly container: string; readonly attempt: number; readonly signal: "" | "SIGKILL" };
  /** Has a run's processes stand still. */
  pause: { readonly container: string; readonly attempt: number };
  /** Lets them go on. */
  unpause: { readonly container: string; readonly attempt: number };
  /** Gives a run the amounts of cpu and memory that the node has granted it. */
  resize: { readonly container: string; readonly attempt: number };
  /** Removes every trace of a run but its log. */
  remove: { readonly container: string; readonly attempt: number };
  /** Takes down what a hook brought up, but for the pod's files when they are to last. */
  release: { readonly hook: HookName; readonly keepsFiles: boolean };
  /** Removes the pod's folders and control groups. */
  clear: Readonly<Record<never, never>>;
  /** Tells the control plane that the pod is gone from this node. */
  confirm: Readonly<Record<never, never>>;
  /** Forgets the pod; the last that happens. */
  forget: Readonly<Record<never, never>>;
}

/** One action with its arguments. */
export type Action = { [K in keyof Actions]: { readonly do: K } & Actions[K] }[keyof Actions];
