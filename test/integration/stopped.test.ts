import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "@jest/globals";

const program = fileURLToPath(new URL("./stopped-process.ts", import.meta.url));

test.each(["users", "products", "orders", "notifications", "api"])(
	"a node with %s that is stopped right after its start leaves nothing that keeps its process alive",
	async (name) => {
		const { stdout } = await promisify(execFile)(process.execPath, ["--no-warnings", program, name]);
		expect(JSON.parse(stdout)).toEqual([]);
	},
);
