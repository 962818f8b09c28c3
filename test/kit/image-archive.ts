import { gunzipSync } from "node:zlib";
import { parseJsonObject } from "../../agent/image/json-shape.js";
import { asList, asObject, asText, asTexts, type JsonObject } from "../../lib/json-shape.js";
import { tarEntry } from "../../lib/tar/entry.js";
import { TarReader } from "../../lib/tar/tar-reader.js";
import { tarArchive } from "../../lib/tar/tar-writer.js";
import {
  type BuiltContent,
  type BuiltImage,
  content,
  digestOf,
  FORMATS,
  jsonContent,
  pointerTo,
} from "./built-image.js";

/** An image as a tar archive of an OCI layout, under a name. */
export function ociArchive(image: BuiltImage, name: string): Uint8Array {
  const manifest = { ...pointerTo(image), annotations: { "org.opencontainers.image.ref.name": name } };
  const index = { schemaVersion: 2, mediaType: FORMATS.oci.index, manifests: [manifest] };
  const blobs = new Map(allContent(image).map((each) => [each.digest, each.bytes]));
  return tarArchive([
    [tarEntry("oci-layout", "file"), Buffer.from('{"imageLayoutVersion":"1.0.0"}')],
    [tarEntry("index.json", "file"), Buffer.from(JSON.stringify(index))],
    ...[...blobs].map(([digest, bytes]) => [tarEntry(`blobs/${digest.replace(":", "/")}`, "file"), bytes] as const),
  ]);
}

/** Reads an archive as `docker save`, `skopeo` or `podman save` write it: docker-archive or OCI, with gzip or without. */
export function readImageArchive(packed: Uint8Array): BuiltImage {
  const bytes = Buffer.from(packed);
  const files = filesOf(bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes);
  // docker save of today writes both forms; the OCI one keeps the digests.
  if (files.has("index.json")) return ociImage(files);
  if (files.has("manifest.json")) return dockerImage(files);
  throw new Error("the archive holds neither index.json (OCI) nor manifest.json (docker-archive)");
}

type Files = ReadonlyMap<string, Uint8Array>;

function ociImage(files: Files): BuiltImage {
  const manifests = asList(parseJsonObject(file(files, "index.json"), "index.json")["manifests"]);
  if (manifests.length !== 1) throw new Error(`the archive holds ${manifests.length} images, not one`);
  return ociContent(files, asObject(manifests[0]) ?? {});
}

function ociContent(files: Files, pointer: JsonObject): BuiltImage {
  const bytes = blob(files, pointer).bytes;
  const found = parseJsonObject(bytes, "manifest");
  const mediaType = asText(found["mediaType"]) ?? asText(pointer["mediaType"]) ?? FORMATS.oci.manifest;
  const children = asList(found["manifests"]).map((each) => ociContent(files, asObject(each) ?? {}));
  const pointers = found["config"] === undefined ? [] : [found["config"], ...asList(found["layers"])];
  return { ...content(mediaType, bytes), children, blobs: pointers.map((each) => blob(files, asObject(each) ?? {})) };
}

function blob(files: Files, pointer: JsonObject): BuiltContent {
  const digest = asText(pointer["digest"]) ?? "";
  const bytes = file(files, `blobs/${digest.replace(":", "/")}`);
  if (digestOf(bytes) !== digest) throw new Error(`the archive's ${digest} has another content`);
  return content(asText(pointer["mediaType"]) ?? "", bytes);
}

function dockerImage(files: Files): BuiltImage {
  const images: unknown = JSON.parse(Buffer.from(file(files, "manifest.json")).toString("utf8"));
  const [image, ...more] = asList(images).map((each) => asObject(each) ?? {});
  if (image === undefined || more.length > 0) throw new Error(`the archive holds ${more.length + 1} images, not one`);
  const config = content(FORMATS.docker.config, file(files, asText(image["Config"]) ?? ""));
  const layers = asTexts(image["Layers"]).map((path) => content(LAYER_TYPE, file(files, path)));
  const type = FORMATS.docker.manifest;
  const body = { schemaVersion: 2, mediaType: type, config: pointerTo(config), layers: layers.map(pointerTo) };
  return { ...jsonContent(type, body), blobs: [config, ...layers], children: [] };
}

const LAYER_TYPE = "application/vnd.docker.image.rootfs.diff.tar";

function file(files: Files, path: string): Uint8Array {
  const bytes = files.get(path);
  if (bytes === undefined) throw new Error(`the archive has no file ${JSON.stringify(path)}`);
  return bytes;
}

/** The files of an archive by path. docker save writes a layer that occurs twice as a symbolic link. */
function filesOf(archive: Buffer): Files {
  const files = new Map<string, Uint8Array>();
  const links = new Map<string, string>();
  let path = "";
  let chunks: Buffer[] = [];
  const reader = new TarReader({
    entry: (entry) => {
      path = entry.path.replace(/^\.\//, "");
      chunks = [];
      if (entry.type === "symlink") links.set(path, entry.linkPath);
    },
    content: (bytes) => chunks.push(Buffer.from(bytes)),
    end: () => files.set(path, Buffer.concat(chunks)),
  });
  reader.push(archive);
  reader.finish();
  for (const [from, to] of links) {
    const target = files.get(new URL(to, `file:///${from}`).pathname.slice(1));
    if (target !== undefined) files.set(from, target);
  }
  return files;
}

/** Everything that an image consists of, itself last. */
export function allContent(image: BuiltImage): readonly BuiltContent[] {
  return [...image.blobs, ...image.children.flatMap(allContent), image];
}
