/**
 * Replaces $(NAME) by the variable's value. $$ stands for $, so that $$(NAME) stays $(NAME); a name that is not known stays as written.
 * As in Kubernetes.
 */
export function expand(text: string, variables: ReadonlyMap<string, string>): string {
  return text.replace(/\$(\$|\(([^()]*)\))/g, (whole, escaped: string, name: string | undefined) => {
    if (escaped === "$") return "$";
    return (name === undefined ? undefined : variables.get(name)) ?? whole;
  });
}
