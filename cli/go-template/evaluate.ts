import type { Json } from "../../kinds/encode.js";
import { closest } from "../../kinds/suggest.js";
import { TallshipError } from "../../lib/errors.js";
import { usageError } from "../verb.js";
import { FUNCTIONS, isTrue, shown } from "./functions.js";
import { type Expression, parseTemplate, type TemplateNode } from "./parse.js";

interface Scope {
  readonly dot: Json;
  /** What is not there is shown as `<no value>`, as kubectl does, instead of refused. */
  readonly isLenient: boolean;
  readonly variables: Map<string, Json>;
}

/**
 * Fills a template of docker's --format with a value. A field that is not there is not_found with the nearest that is, for kubectl's templates `<no value>`; what is wrong
 * with the template itself is a usage error.
 */
export function renderTemplate(
  template: string,
  value: Json,
  { isLenient }: { readonly isLenient: boolean } = { isLenient: false },
): string {
  return rendered(parseTemplate(template), { dot: value, variables: new Map([["", value]]), isLenient });
}

function rendered(nodes: readonly TemplateNode[], scope: Scope): string {
  return nodes.map((node) => renderedNode(node, scope)).join("");
}

function renderedNode(node: TemplateNode, scope: Scope): string {
  switch (node.is) {
    case "text":
      return node.text;
    case "print":
      return shown(evaluated(node.value, scope));
    case "set":
      scope.variables.set(node.variable, evaluated(node.value, scope));
      return "";
    case "if":
      return rendered(isTrue(evaluated(node.value, scope)) ? node.then : node.otherwise, scope);
    case "with": {
      const value = evaluated(node.value, scope);
      return isTrue(value) ? rendered(node.then, { ...scope, dot: value }) : rendered(node.otherwise, scope);
    }
    case "range":
      return renderedRange(node, scope);
  }
}

function renderedRange(node: TemplateNode & { readonly is: "range" }, scope: Scope): string {
  const value = evaluated(node.value, scope);
  const pairs: readonly (readonly [Json, Json])[] = Array.isArray(value)
    ? value.map((each, at) => [at, each])
    : Object.entries(typeof value === "object" && value !== null ? value : {}).sort(([a], [b]) => (a < b ? -1 : 1));
  if (pairs.length === 0) return rendered(node.otherwise, scope);
  const names = node.variables.length === 1 ? [undefined, node.variables[0]] : node.variables;
  return pairs
    .map((pair) => {
      const variables = new Map(scope.variables);
      for (const [at, name] of names.entries()) if (name !== undefined) variables.set(name, pair[at] ?? null);
      return rendered(node.then, { ...scope, dot: pair[1], variables });
    })
    .join("");
}

function evaluated(expression: Expression, scope: Scope): Json {
  switch (expression.is) {
    case "value":
      return expression.value;
    case "path":
      return fieldsOf(rootOf(expression.variable, scope), expression.fields, scope);
    case "of":
      return fieldsOf(evaluated(expression.value, scope), expression.fields, scope);
    case "call":
      return called(expression, scope);
  }
}

function rootOf(variable: string | undefined, { dot, variables }: Scope): Json {
  if (variable === undefined) return dot;
  const found = variables.get(variable);
  if (found === undefined) throw usageError(`template: there is no variable $${variable}`);
  return found;
}

function called({ name, args }: Expression & { readonly is: "call" }, scope: Scope): Json {
  const known = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined;
  if (known !== undefined) return known(args.map((each) => evaluated(each, scope)));
  const near = closest(name, Object.keys(FUNCTIONS));
  throw usageError(`template: there is no function ${name}${near === undefined ? "" : `, did you mean ${near}?`}`);
}

function fieldsOf(value: Json, fields: readonly string[], { isLenient }: Scope): Json {
  let at: Json = value;
  for (const name of fields) {
    const parts: readonly (readonly [string, Json])[] =
      typeof at === "object" && at !== null && !Array.isArray(at) ? Object.entries(at) : [];
    const found = parts.find(([key]) => key === name);
    if (found === undefined && isLenient) return null;
    if (found === undefined) {
      const near = closest(
        name,
        parts.map(([key]) => key),
      );
      const hint = near === undefined ? "" : `, did you mean ${near}?`;
      throw new TallshipError("not_found", `format: there is no field ${name} in .${fields.join(".")}${hint}`);
    }
    at = found[1];
  }
  return at;
}
