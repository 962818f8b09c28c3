import type { CarriedStream } from "./carried-stream.js";

/** Ends the node's side when the operator goes, even while the node says nothing. Returns how to end it otherwise. */
export function closeOnAbort(stream: CarriedStream, signal: AbortSignal): () => void {
  const close = (): void => stream.close();
  if (signal.aborted) close();
  else signal.addEventListener("abort", close, { once: true });
  return () => {
    signal.removeEventListener("abort", close);
    close();
  };
}
