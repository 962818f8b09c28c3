// Edge: standard error.
import { type Logger, pino } from "pino";
import type { Log } from "./log.js";

/** A log of JSON lines on standard error, one per call, for daemons. */
export function pinoLog(component: string, level: string): Log {
  const logger = pino(
    { level, base: { component }, timestamp: pino.stdTimeFunctions.isoTime, errorKey: "error" },
    pino.destination(2),
  );
  return wrap(logger);
}

function wrap(logger: Logger): Log {
  return {
    debug: (message, fields) => logger.debug(fields ?? {}, message),
    info: (message, fields) => logger.info(fields ?? {}, message),
    warn: (message, fields) => logger.warn(fields ?? {}, message),
    error: (message, fields) => logger.error(fields ?? {}, message),
    with: (fields) => wrap(logger.child(fields)),
  };
}
