import { type Built, buildKustomization } from "../../cli/kustomize/build.js";
import type { FileEntry } from "../../cli/kustomize/files.js";
import { problemText } from "../../kinds/problem.js";
import { printTree } from "../../kinds/yaml/print.js";

/** Texts of files by path. */
export type Texts = Readonly<Record<string, string>>;

/** Builds the kustomization of a folder of a few files. */
export function built(texts: Texts, dir = "app"): Built {
  const files = new Map<string, FileEntry>();
  for (const [path, text] of Object.entries(texts)) {
    files.set(path, { is: "file", bytes: Buffer.from(text) });
    const steps = path.split("/");
    for (let depth = 1; depth < steps.length; depth += 1) files.set(steps.slice(0, depth).join("/"), { is: "folder" });
  }
  return buildKustomization(dir, files);
}

/** The objects as YAML; throws what is wrong. */
export function objects(texts: Texts, dir?: string): string {
  const { objects: trees, problems } = built(texts, dir);
  if (problems.length > 0) throw new Error(problems.map(problemText).join("\n"));
  return trees.map(printTree).join("---\n");
}

/** What is wrong, a line each. */
export function errors(texts: Texts, dir?: string): readonly string[] {
  return built(texts, dir).problems.map(problemText);
}

/** A deployment that names a ConfigMap and a Secret. */
export const DEPLOYMENT = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector:
    matchLabels:
      app: web
  template:
    metadata:
      labels:
        app: web
    spec:
      containers:
      - name: web
        image: web:1
        envFrom:
        - configMapRef:
            name: settings
      volumes:
      - name: v
        secret:
          secretName: keys
          defaultMode: 0644
`;
/** A service of it. */
export const SERVICE = "apiVersion: v1\nkind: Service\nmetadata:\n  name: web\nspec:\n  selector:\n    app: web\n";

/** A kustomization of the deployment and the service. */
export const app = (more: string, files: Texts = {}): Texts => ({
  "app/kustomization.yaml": `resources: [web.yaml, service.yaml]\n${more}`,
  "app/web.yaml": DEPLOYMENT,
  "app/service.yaml": SERVICE,
  ...files,
});
