import { expect, test } from "vitest";
import { unitText } from "./systemd.js";

test("a unit kills the daemon alone, restarts it always, and takes odd paths literally", () => {
  const text = unitText({
    name: "agent",
    command: ["/usr/bin/node", '/opt/100% "mine"/tallshipd', "agent", "--data-dir", "/data/$HOME"],
  });
  expect(text).toContain("KillMode=process\n");
  expect(text).toContain("Delegate=yes\n");
  expect(text).toContain("Restart=always\n");
  expect(text).toContain(
    'ExecStart="/usr/bin/node" "/opt/100%% \\"mine\\"/tallshipd" "agent" "--data-dir" "/data/$$HOME"\n',
  );
});
