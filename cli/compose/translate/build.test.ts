import { expect, test } from "vitest";
import { parseGeneralYaml } from "../../../kinds/yaml/general-reader.js";
import { type ComposeProject, composeProject } from "../compose.js";

function projectOf(text: string): ComposeProject {
  return composeProject({
    parsed: [parseGeneralYaml({ name: "shop/compose.yaml", text })],
    ...{ folder: "shop", absoluteFolder: "/home/ann/shop", environment: new Map(), envFiles: [] },
    ...{ projectName: undefined, profiles: [], named: [], namespace: undefined },
    known: new Map([["shop/.env", { is: "nothing" }]]),
  });
}

const NOTHING = { dockerfile: undefined, inline: undefined, target: "", network: "", args: [], labels: [] };

test("a service that is built and has no image is called after the project, and its paths are those of its file", () => {
  const { builds, problems, objects } = projectOf("services: {web: {build: ./web}}");
  expect(problems).toEqual([]);
  expect(builds).toEqual([
    {
      ...{ service: "web", names: ["shop-web"], context: "shop/web" },
      ...{ ...NOTHING, noCache: false, pull: false },
    },
  ]);
  const made = objects.find(({ typed }) => typed.kind === "Deployment")?.typed.object;
  expect(JSON.stringify(made)).toContain('"image":"shop-web"');
});

test("everything that a build says is kept, and what has no effect is named", () => {
  const { builds, notes } = projectOf(`services:
  web:
    image: reg.example/web:2
    build:
      context: /src
      dockerfile: docker/Dockerfile
      args: {A: 1, B: }
      labels: [x=y]
      target: final
      no_cache: true
      tags: ["web:latest", "reg.example/web:2"]
      platforms: [linux/arm64]
`);
  expect(builds).toMatchObject([
    {
      names: ["reg.example/web:2", "web:latest"],
      ...{
        context: "/src",
        dockerfile: "/src/docker/Dockerfile",
        target: "final",
        args: ["A=1", "B"],
        labels: ["x=y"],
      },
      ...{ noCache: true, pull: false },
    },
  ]);
  expect(notes.map(({ message }) => message)).toContain("accepted, not enforced: platforms: builds here do without");
});

test("a service with neither is refused as before", () => {
  expect(projectOf("services: {web: {}}").problems.map(({ message }) => message)).toContain("want image");
});
