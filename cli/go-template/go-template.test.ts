import { expect, test } from "vitest";
import { renderTemplate } from "./evaluate.js";

const value = {
  Name: "/web",
  State: { Status: "running", ExitCode: 0, Running: true },
  Config: { Env: ["A=1", "B=2"], Labels: { app: "web", tier: "front" }, Cmd: null },
  NetworkSettings: { Ports: { "80/tcp": [{ HostIp: "0.0.0.0", HostPort: "4000" }], "9/udp": null } },
  Mounts: [],
};

// Templates as docker's users write them, most of them from its own documentation.
const rows: readonly (readonly [template: string, want: string])[] = [
  ["{{.State.Status}}", "running"],
  ["{{ .Name }} is {{.State.Status}}!", "/web is running!"],
  ["{{json .State}}", '{"Status":"running","ExitCode":0,"Running":true}'],
  ["{{.State.ExitCode}} {{.Config.Cmd}} {{.Mounts}}", "0 <no value> []"],
  ['{{index .Config.Labels "app"}}', "web"],
  ['{{(index (index .NetworkSettings.Ports "80/tcp") 0).HostPort}}', "4000"],
  ["{{range .Config.Env}}{{println .}}{{end}}", "A=1\nB=2\n"],
  ["{{range $k, $v := .Config.Labels}}{{$k}}={{$v}};{{end}}", "app=web;tier=front;"],
  [
    "{{range $p, $conf := .NetworkSettings.Ports}}{{if $conf}} {{$p}} -> {{(index $conf 0).HostPort}}{{end}}{{end}}",
    " 80/tcp -> 4000",
  ],
  ["{{range .Mounts}}x{{else}}none{{end}}", "none"],
  ['{{join .Config.Env ", "}}', "A=1, B=2"],
  ['{{.Name | upper | printf "%-6s|"}}', "/WEB  |"],
  ["{{if and .State.Running (eq .State.ExitCode 0)}}fine{{else}}ended{{end}}", "fine"],
  ['{{if ne .State.Status "running"}}a{{else if gt (len .Config.Env) 5}}b{{else}}c{{end}}', "c"],
  ["{{with .Config}}{{len .Env}} of {{$.Name}}{{end}}", "2 of /web"],
  ["{{$n := len .Config.Labels}}{{$n}}", "2"],
  ["a {{- /* nothing */ -}} b", "ab"],
  ["{{.Config.Labels}}", "map[app:web tier:front]"],
  ['{{slice .Name 1}} {{split "a,b" ","}} {{"}}"}}', "web [a b] }}"],
];
test.each(rows)("%s", (template, want) => expect(renderTemplate(template, value)).toBe(want));

// kubectl's templates: what is not there is shown, not refused, and Secrets can be read.
const lenient: readonly (readonly [template: string, want: string])[] = [
  ["{{.none.of.it}}", "<no value>"],
  ["{{range .none}}x{{else}}empty{{end}}", "empty"],
  ['{{"aGk=" | base64decode}}', "hi"],
  ['{{if exists . "Config" "Labels" "app"}}yes{{end}}{{if exists . "Config" "no"}}no{{end}}', "yes"],
];
test.each(lenient)("kubectl: %s", (template, want) =>
  expect(renderTemplate(template, value, { isLenient: true })).toBe(want),
);

// What is wrong is named, with what would be right where that is near.
const wrong: readonly (readonly [template: string, why: string])[] = [
  ["{{.State.Statu}}", "there is no field Statu in .State.Statu, did you mean Status?"],
  ["{{.State", "{{ is not closed"],
  ["{{if .Name}}x", "{{end}} is missing"],
  ["{{end}}", "{{end}} without a beginning"],
  ["{{jsonn .Name}}", "there is no function jsonn, did you mean json?"],
  ['{{template "x"}}', "{{template}} is not supported"],
  ["{{$x}}", "there is no variable $x"],
  ["{{index .Config.Env 7}}", "index 7 is out of range: there are 2"],
  ["{{(.Name}}", "( is not closed"],
  ["{{.Name .State}}", "unexpected .State"],
];
test.each(wrong)("%s", (template, why) => expect(() => renderTemplate(template, value)).toThrow(why));
