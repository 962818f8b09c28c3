import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { TallshipError } from "../../lib/errors.js";
import { ImageSpec } from "../../proto/gen/tallship/v1/image.js";
import {
  HeldImage,
  ImageOutput,
  InspectImageResponse,
  ListImagesResponse,
  type LoadImages,
  PruneImagesResponse,
  RemoveImagesResponse,
  SearchImagesResponse,
} from "../../proto/gen/tallship/v1/images.js";
import { openTsctlBench, type TsctlBench } from "../../test/kit/tsctl-bench.js";
import { fail, succeed } from "../../test/kit/tsctl-steps.js";

const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;
const spec = ImageSpec.fromPartial({
  ...{ digest: digest("a"), configDigest: digest("b"), sizeBytes: 4_861_234, created: "2023-11-14T20:13:20Z" },
  layers: [
    { digest: digest("c"), sizeBytes: 4_000_000 },
    { digest: digest("d"), sizeBytes: 861_000 },
  ],
});
const NAME = "docker.io/library/app:v1";
const image = HeldImage.fromPartial({ name: NAME, spec, nodes: ["host1", "host2"] });
const config = {
  ...{ architecture: "amd64", os: "linux", created: "2023-11-14T20:13:20Z", config: { Cmd: ["sh"] } },
  rootfs: { type: "layers", diff_ids: [digest("e"), digest("f")] },
  history: [
    { created: "2023-11-14T20:13:20Z", created_by: "ADD rootfs.tar /" },
    { created: "2023-11-14T20:13:20Z", created_by: 'CMD ["sh"]', empty_layer: true },
    { created: "2023-11-14T20:13:20Z", created_by: "COPY . /app \u001b[2J", comment: "last" },
  ],
};

const outputOf = (part: NonNullable<ImageOutput["part"]>): ImageOutput => ImageOutput.fromPartial({ part });

let bench: TsctlBench;
const seen: { load: LoadImages[]; removed: unknown[]; asked: unknown[] } = { load: [], removed: [], asked: [] };
afterEach(() => bench.close());
beforeEach(async () => {
  seen.load = [];
  seen.removed = [];
  seen.asked = [];
  bench = await openTsctlBench({
    images: {
      load: async function* (inputs) {
        for await (const input of inputs) seen.load.push(input);
        yield ImageOutput.fromPartial({ part: { $case: "progress", value: { step: "unpacking", bytesDone: 1 } } });
        yield ImageOutput.fromPartial({ part: { $case: "loaded", value: { names: [NAME], spec, nodes: ["host1"] } } });
      },
      save: async function* ({ names }) {
        for (const chunk of ["archive of ", names.join(" ")])
          yield ImageOutput.fromPartial({ part: { $case: "chunk", value: Buffer.from(chunk) } });
      },
      list: async ({ names }) => {
        if (names.includes("none")) throw new TallshipError("not_found", "no such image: none");
        return ListImagesResponse.fromPartial({ images: [image] });
      },
      inspect: async () => InspectImageResponse.fromPartial({ image, config: Buffer.from(JSON.stringify(config)) }),
      remove: async (request) => {
        seen.removed.push(request);
        return RemoveImagesResponse.fromPartial({ untagged: [NAME], deleted: [digest("a")] });
      },
      pull: async function* (request) {
        seen.asked.push(request);
        const isOwn = request.name === "app:v1";
        const names = [isOwn ? NAME : request.name];
        if (!isOwn) {
          yield outputOf({ $case: "progress", value: { step: "pulling", bytesDone: 1, bytesTotal: 2 } });
          const value = { name: "host3", code: "disk_failed", message: "the disk is full" };
          yield outputOf({ $case: "failed", value });
        }
        const nodes = isOwn ? ["host1"] : ["host1", "host2"];
        const value = { names, spec: { ...spec, registryDigest: isOwn ? "" : digest("1") }, nodes };
        yield outputOf({ $case: "loaded", value });
      },
      push: async function* (request) {
        seen.asked.push(request);
        yield outputOf({ $case: "progress", value: { step: "pushing", bytesDone: 1, bytesTotal: 2 } });
        yield outputOf({ $case: "output", value: Buffer.from("ddd: Pushed\n") });
      },
      search: async (request) => {
        seen.asked.push(request);
        if (request.term === "nothing") return SearchImagesResponse.fromPartial({});
        const images = [{ repository: "reg.example:5000/team/app", tags: ["v1", "v2"] }];
        return SearchImagesResponse.fromPartial({ images: [...images, { repository: "reg.example:5000/empty" }] });
      },
      prune: async () =>
        PruneImagesResponse.fromPartial({
          nodes: [
            { name: "host1", freedBytes: 2_500_000 },
            { name: "host2", error: "the disk is broken" },
          ],
        }),
    },
  });
});

describe("image", () => {
  test("load sends the file in messages and tells the names, and that only one node holds it", async () => {
    bench.files.set("app.tar", "x".repeat(300_000));
    const { out, err, code } = await bench.run(["image", "load", "-i", "app.tar", "-t", "app:v1"]);
    expect({ out, code }).toEqual({ out: `Loaded image: ${NAME}\n`, code: 0 });
    expect(err).toBe("only node host1 holds it yet\n");
    expect(seen.load[0]?.part).toMatchObject({ $case: "start", value: { names: ["app:v1"] } });
    const sent = seen.load.slice(1).map(({ part }) => (part?.$case === "chunk" ? part.value.length : 0));
    expect(sent).toEqual([262_144, 300_000 - 262_144]);
  });

  test("load reads standard input", async () => {
    const { out } = await bench.run(["load"], { input: "an archive" });
    expect(out).toContain("Loaded image");
    expect(seen.load).toHaveLength(2);
  });

  test("save writes a file, or standard output", async () => {
    expect(await succeed(bench, "image save -o out.tar app:v1 web")).toBe("");
    expect(bench.files.get("out.tar")).toBe("archive of app:v1 web");
    expect(await succeed(bench, "save app:v1")).toBe("archive of app:v1");
  });

  test("ls lists in docker's columns", async () => {
    expect(await succeed(bench, "images")).toBe(
      "REPOSITORY   TAG   IMAGE ID       CREATED    SIZE     NODES\napp          v1    bbbbbbbbbbbb   120m ago   4.86MB   2\n",
    );
    expect(await succeed(bench, "image ls -q app")).toBe("bbbbbbbbbbbb\n");
    expect(await succeed(bench, "image ls -q other")).toBe("");
  });

  test("history begins with the last step, and its words cannot steer the terminal", async () => {
    const out = await succeed(bench, "image history app:v1");
    const lines = out.split("\n");
    expect(lines[1]).toMatch(/^bbbbbbbbbbbb +120m ago +COPY \. \/app \\x1b\[2J +861kB +last$/);
    expect(lines[2]).toMatch(/^<missing> +120m ago +CMD \["sh"\] +0B/);
    expect(lines[3]).toMatch(/ADD rootfs.tar \/ +4MB/);
  });

  test("inspect is JSON in docker's words", async () => {
    expect(JSON.parse(await succeed(bench, "image inspect app:v1"))).toMatchObject([
      {
        Id: digest("b"),
        RepoTags: ["app:v1"],
        Config: { Cmd: ["sh"] },
        RootFS: { Layers: [digest("e"), digest("f")] },
        Nodes: ["host1", "host2"],
      },
    ]);
  });

  test("tag makes an object, and moves a name that stands for another image", async () => {
    await succeed(bench, "tag app:v1 reg.example/app:v2");
    await succeed(bench, "image tag app:v1 reg.example/app:v2");
    const out = await succeed(bench, "get image reg.example/app:v2 -o jsonpath={.spec.digest}");
    expect(out).toBe(digest("a"));
  });

  test("rm tells what became of names and content", async () => {
    expect(await succeed(bench, "rmi -f app:v1")).toBe(`Untagged: ${NAME}\nDeleted: ${digest("a")}\n`);
    expect(seen.removed).toEqual([{ names: ["app:v1"], force: true }]);
  });

  test("prune sums up what was freed, and fails when a node could not", async () => {
    const { out, err, code } = await bench.run(["image", "prune", "-a"]);
    expect({ out, err }).toEqual({
      out: "Total reclaimed space: 2.5MB\n",
      err: "error: node host2: the disk is broken\n",
    });
    expect(code).not.toBe(0);
  });

  test("login keeps credentials in the namespace, beside those of other registries, and logout takes its own away", async () => {
    const { out, code } = await bench.run(["login", "-u", "ann", "--password-stdin", "reg.example"], {
      input: "secret\n",
    });
    expect({ out, code }).toMatchObject({
      code: 0,
      out: expect.stringContaining("pods of namespace default pull from reg.example as ann"),
    });
    await bench.run(["login", "-u", "bob", "-p", "x"]);
    const auths = async (): Promise<unknown> => {
      const text = await succeed(bench, "get secret registry-login -o jsonpath={.data.\\.dockerconfigjson}");
      return JSON.parse(Buffer.from(text, "base64").toString("utf8")).auths;
    };
    expect(await auths()).toMatchObject({
      "reg.example": { username: "ann", password: "secret", auth: Buffer.from("ann:secret").toString("base64") },
      "https://index.docker.io/v1/": { username: "bob" },
    });
    expect(await succeed(bench, "logout reg.example")).toBe("Removing login credentials for reg.example\n");
    expect(Object.keys(Object(await auths()))).toEqual(["https://index.docker.io/v1/"]);
    expect(await succeed(bench, "logout reg.example")).toBe("Not logged in to reg.example\n");
  });

  test("pull tells the digest that nodes have now, and names those that failed", async () => {
    const { out, err, code } = await bench.run(["pull", "reg.example/app:v1"]);
    const name = "reg.example/app:v1";
    expect(out).toBe(`Digest: ${digest("1")}\nStatus: Downloaded newer image for ${name} (on 2 nodes)\n${name}\n`);
    expect({ err, code }).toEqual({ err: "error: node host3: the disk is full\n", code: 1 });
    expect(seen.asked).toEqual([{ name, nodes: [], namespace: "default" }]);
    expect(await succeed(bench, "pull -q --node host1 app:v1")).toBe(`${NAME}\n`);
    expect(await succeed(bench, "pull app:v1")).toContain("the cluster's own: no registry was asked");
  });

  test("push tells what became of each layer, search lists repositories and their tags", async () => {
    expect(await succeed(bench, "image push app:v1 reg.example/app:v1")).toBe("ddd: Pushed\n");
    expect(await succeed(bench, "push -q app:v1 reg.example/app:v1")).toBe("reg.example/app:v1\n");
    expect(await succeed(bench, "search reg.example:5000/te")).toBe(
      "NAME                        TAGS\nreg.example:5000/team/app   v1,v2\nreg.example:5000/empty      <none>\n",
    );
    const none = await bench.run(["search", "nothing"]);
    expect(none).toMatchObject({ code: 0, out: "", err: expect.stringContaining("No images found in the cluster") });
    expect(seen.asked).toEqual([
      { name: "app:v1", to: "reg.example/app:v1", namespace: "default" },
      { name: "app:v1", to: "reg.example/app:v1", namespace: "default" },
      { registry: "reg.example:5000", term: "te", namespace: "default", limit: 0 },
      { registry: "", term: "nothing", namespace: "default", limit: 0 },
    ]);
  });

  const refused = [
    { line: "pull", code: 2, err: "name the image" },
    { line: "push a b c", code: 2, err: "name the image, and what the registry is to call it" },
    { line: "login reg.example", code: 2, err: "say who you are" },
    { line: "login -u ann reg.example", code: 2, err: "--password-stdin" },
    { line: "image load -i none.tar", code: 6, err: "it does not exist" },
    { line: "image save", code: 2, err: "name the images" },
    { line: "image tag app:v1", code: 2, err: "name the image and its further name" },
    { line: "image tag none app:v2", code: 3, err: "no such image" },
    { line: `image tag app:v1 app@${digest("a")}`, code: 6, err: "a name ends in its tag" },
    { line: "image rm", code: 2, err: "name the images" },
  ];
  test.each(refused)("$line", (row) => fail(bench, row));
});
