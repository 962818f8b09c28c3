import { TallshipError } from "../errors.js";
import type { Binding, CallContext, MethodDefinition } from "./service.js";

/** How a server runs a method once its shape no longer matters: the request or an iterable of them in, a promise or an iterable out. */
// biome-ignore lint/suspicious/noExplicitAny: the definition's codecs produce and take exactly the handler's types.
export type AnyHandler = (request: any, context: CallContext) => any;

/** One method of a binding, as servers look it up. */
export interface BoundMethod {
  /** /package.Service/Method. */
  readonly path: string;
  readonly definition: MethodDefinition;
  /** Authorises, then runs the handler. Refusals are thrown. */
  readonly run: AnyHandler;
}

/** Every method of the bindings, with authorisation in front of each: no handler runs unasked. */
export function boundMethods(bindings: readonly Binding[]): readonly BoundMethod[] {
  return bindings.flatMap((binding) =>
    Object.entries(binding.definition.methods).map(([key, definition]) => ({
      path: methodPath(binding.definition.fullName, definition.name),
      definition,
      run: (request: unknown, context: CallContext) => {
        const refusal = binding.authorize(context.identity, definition.name);
        if (refusal !== undefined) throw refusal;
        // The keys of handlers are those of the definition: bind() has checked it.
        const handler = binding.handlers[key] as AnyHandler | undefined;
        if (handler === undefined) throw new TallshipError("not_supported", `${definition.name} is not served here`);
        return handler(request, context);
      },
    })),
  );
}

/** The path of a method on the wire. */
export function methodPath(service: string, method: string): string {
  return `/${service}/${method}`;
}
